import assert from "node:assert/strict";
import { systemClock } from "../../clock.ts";
import { fakeAcpCommand } from "../../testing/fake_acp_command.ts";
import { findSandbox } from "../../processes/mod.ts";
import { checkAgent, lines } from "./check_agent.ts";
import { acpPreset, type Preset, PRESETS } from "./presets.ts";

const box = await findSandbox(Deno.env.get("PATH"));

const env = { PATH: Deno.env.get("PATH") ?? "", HOME: Deno.env.get("HOME") ?? "/" };

async function check(changes: Partial<Preset>, flags: string[] = [], more: typeof env = env) {
  const home = await Deno.makeTempDir({ prefix: "check-agent-" });
  const command = fakeAcpCommand("--home", home, ...flags);
  const preset = { ...acpPreset(command), title: "Fake", ...changes };
  try {
    const options = { permissions: "edits", sandbox: "none", clock: systemClock } as const;
    return await checkAgent(preset, { ...options, env: more });
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}

const npm = { package: "fake-agent", tried: "1.0" };
const install = "npm install -g fake-agent";

Deno.test("check says that an agent is ready, with version, login and modes", async () => {
  const login = { how: "fake login", env: ["FAKE_KEY"], files: [] };
  const withKey = { ...env, FAKE_KEY: "k" };
  const found = await check({ npm, install, login }, [], withKey);
  assert.equal(found.ok, true);
  assert.deepEqual(found.login, { kind: "variable", name: "FAKE_KEY" });
  assert.equal(found.tried, true);
  assert.deepEqual(found.modes, ["default", "acceptEdits", "bypassPermissions"]);
  assert.match(lines(found).join("\n"), /^Fake: ready\n.*\n *version *fake-acp-agent 1\.0\.0\n/);
});

Deno.test("check ends what is missing with the command to paste", async () => {
  const preset = { ...PRESETS.claude, command: ["not-installed-agent"] };
  const absent = await check(preset);
  assert.equal(absent.ok, false);
  assert.match(
    // Behind it, a machine without bubblewrap is told of that.
    lines(absent).filter((line) => line.startsWith("  missing: ")).at(-1) ?? "",
    /npm install -g @agentclientprotocol\/claude-agent-acp$/,
  );
  const login = { how: "log in with: fake login", env: ["FAKE_KEY"], files: [] };
  const locked = await check({ npm, install, login }, ["--fail", "new=-32000"]);
  assert.deepEqual(locked.login, { kind: "missing" });
  assert.match(lines(locked).join("\n"), /missing: Fake is not logged in; log in with: fake login/);
});

Deno.test("check names a version that was not tried, and why an agent does not start", async () => {
  const old = await check({ npm, install }, ["--version", "1.10.0"]);
  assert.equal(old.tried, false);
  assert.match(
    old.advice[0] ?? "",
    /version 1\.10\.0 was not tried, 1\.0 was: npm install -g fake-agent@1\.0$/,
  );
  const dead = await check({}, ["--die", "initialize", "--stderr", "no node"]);
  assert.equal(dead.ok, false);
  assert.match(dead.missing[0]?.what ?? "", /exit code 1.*no node/);
});

Deno.test({
  name: "check starts an agent where it would work: in the sandbox, its home in /tmp, too",
  ignore: box.kind === "missing",
  async fn() {
    const root = await Deno.makeTempDir({ dir: "/tmp", prefix: "check-agent-" });
    const { DENO_DIR = `${env.HOME}/.cache/deno` } = Deno.env.toObject();
    for (const folder of ["bin", "lib", "home"]) await Deno.mkdir(`${root}/${folder}`);
    const command = fakeAcpCommand("--home", "/tmp/sessions").map((word) => `'${word}'`).join(" ");
    const script = `#!/bin/sh\ntouch ${root}/lib/new 2>/dev/null && exit 9\nexec ${command}\n`;
    await Deno.writeTextFile(`${root}/lib/agent`, script, { mode: 0o755 });
    await Deno.symlink("../lib/agent", `${root}/bin/agent`);
    const preset = { ...acpPreset(["agent"]), homeVariables: { AGENT_HOME: "agent" } };
    const found = await checkAgent(preset, {
      // The fake agent's packages may lie in /tmp, too; what PATH names is seen.
      env: { PATH: `${root}/bin:${env.PATH}:${DENO_DIR}`, HOME: `${root}/home`, DENO_DIR },
      permissions: "edits",
      sandbox: "bwrap",
      clock: systemClock,
    });
    assert.deepEqual(found.missing, []);
    assert.equal(found.sandbox, "bwrap");
    await Deno.remove(root, { recursive: true });
  },
});

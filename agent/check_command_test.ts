import assert from "node:assert/strict";
import { ROOT, runProcess } from "../tests/support/mod.ts";

const FAKE = [Deno.execPath(), "run", "-A", "--quiet", `${ROOT}/agent/testing/fake_acp_agent.ts`];

function check(args: readonly string[], env: Record<string, string> = {}) {
  const command = ["run", "-A", `${ROOT}/agent/main.ts`, "check", ...args];
  return runProcess(Deno.execPath(), command, { name: "agent check", env });
}

Deno.test("check says of an agent that answers that it is ready, with 0", async () => {
  const { code, stdout } = await check(["--acp", "--", ...FAKE]);
  assert.match(stdout, /: ready\n {2}program {2}\//);
  assert.equal(code, 0);
  const json = await check(["--acp", "--json", "--", ...FAKE]);
  assert.equal(JSON.parse(json.stdout).ok, true);
});

Deno.test("check says of an agent that is not there what installs it, with 1", async () => {
  const { code, stdout } = await check(["claude"], { PATH: "/usr/bin:/bin" });
  assert.equal(code, 1);
  assert.match(stdout, /^Claude Code: cannot be used yet\n {2}program {2}not installed\n/);
  assert.match(stdout, /npm install -g @agentclientprotocol\/claude-agent-acp/);
});

Deno.test("check says of a program that speaks no ACP what it said, with 1", async () => {
  const { code, stdout } = await check([
    "--acp",
    "--",
    "sh",
    "-c",
    "echo no such model >&2; exit 3",
  ]);
  assert.equal(code, 1);
  assert.match(stdout, /missing: .*no such model/);
});

Deno.test("check of no agent, of two, or of one that is not known is refused, with 2", async () => {
  for (const args of [[], ["claude", "codex"], ["--acp"], ["cluade"], ["toString"]]) {
    const { code, stdout, stderr } = await check(args);
    assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2], stderr);
    assert.match(stderr, /^error: (Give the name of one|There is no coding agent)/);
  }
});

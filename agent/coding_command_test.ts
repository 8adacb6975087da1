import assert from "node:assert/strict";
import { freePort, ROOT, runProcess, startProcess } from "../tests/support/mod.ts";
import { fakeAcpCommand } from "./testing/fake_acp_command.ts";

const WHO = ["--session", "test", "--role", "r"];
const BLANK = { SESSION_ID: "", ROLE: "", RELAY_URL: "", OUROCODUS_HOME: "" };

function coding(args: readonly string[], env: Record<string, string> = {}) {
  const command = ["run", "-A", `${ROOT}/agent/main.ts`, "coding", ...WHO, ...args];
  return runProcess(Deno.execPath(), command, { name: "coding agent", env: { ...BLANK, ...env } });
}

Deno.test("flags that cannot be used are refused before anything is started, in one line", async () => {
  const acp = (...args: string[]) => ["--repo", ".", ...args, "--acp", "--", "true"];
  const cases: [string[], RegExp][] = [
    [["--repo", "."], /^error: Give one of --agent and --acp: /],
    [["--agent", "claude", "--acp", "--", "x"], /'--acp' cannot be used with option '--agent/],
    [["--agent", "cluade", "--repo", "."], /There is no coding agent "cluade", there are claude, /],
    [acp("--base", "no-such"), /^error: Cannot begin at "no-such": .* has no such commit/],
    [
      ["--repo", "/", "--acp", "--", "x"],
      /^error: Cannot use the repository \/: it is no git repo/,
    ],
    [["--acp", "--repo", "."], /^error: --acp needs the agent's command: --acp -- COMMAND/],
    [["--agent", "claude", "--repo", ".", "--", "x"], /"x", goes with --acp only/],
    [["--acp", "--", "true"], /^error: Give one of --repo and --cwd: the git repository/],
    [acp("--cwd", "."), /'--cwd <folder>' cannot be used with option '--repo/],
    [["--cwd", ".", "--base", "main", "--acp", "--", "x"], /cannot be used with option '--base/],
    [
      ["--repo", "/no/such", "--acp", "--", "true"],
      /^error: --repo is "\/no\/such", which does not/,
    ],
    [
      ["--cwd", "/etc/passwd", "--acp", "--", "true"],
      /--cwd is "\/etc\/passwd", which is no folder/,
    ],
    [acp("--copy", "../secret"), /--copy is "\.\.\/secret", it must be a path inside/],
    [acp("--copy", "/etc/passwd"), /--copy is "\/etc\/passwd", it must be a path inside/],
    [acp("--copy", "no-such-file"), /--copy is "no-such-file", which is not in/],
    [acp("--setup", " "), /'--setup <command>' argument ' ' is invalid\. It must not be empty/],
    [
      acp("--permissions", "edit"),
      /^error: Cannot use permissions "edit": allowed are all, edits, read, none and a/,
    ],
    [acp("--check-turns", "3"), /^error: --check-turns goes with --check/],
    [acp("--check", "true", "--check-turns", "1e3"), /It must be a whole number from 0 to 100/],
    [acp("--check", "true", "--check-timeout", "soon"), /It must be a duration like 30s/],
    [acp("--sandbox", "docker"), /Allowed choices are bwrap, none/],
    [acp("--env", "1A=x"), /^error: --env: "1A" is no name of a variable/],
    [acp("--env", "NOT_SET_HERE"), /--env is NOT_SET_HERE, which is not set here: export it/],
    [acp("--env-file", "/no/such"), /--env-file is "\/no\/such", which cannot be read: /],
    [acp("--max-cost", "-1"), /It must be a number above 0, like 2\.50/],
    [acp("--max-tokens", "0"), /It must be a whole number from 1 to/],
    [acp("--max-duration", "0"), /Allowed is 1ms to 24d/],
    [acp("--gateway-budget", "9"), /^error: --gateway-budget goes with --gateway\n$/],
    [acp("--record", "x"), /^error: --record goes with --gateway\n$/],
    [acp("--gateway", "--gateway-budget", "0"), /It must be a whole number from 1 to/],
    [acp("--concurrency", "0"), /^error: --concurrency is "0", allowed is 1 to 1024\n$/],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await coding(args);
    assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2], stderr);
    assert.match(stderr, message);
  }
});

Deno.test("the values of a file with variables are in no error", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, "# keys\nA=1\nsk-very-secret\n");
    const { code, stderr } = await coding([
      ...["--repo", ".", "--env-file", file, "--acp", "--", "true"],
    ]);
    assert.deepEqual([code, stderr], [
      2,
      `error: ${file} line 3 has no "=": write NAME=VALUE\n`,
    ]);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("an agent without a sandbox says so in its log", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const relay = `ws://127.0.0.1:${freePort()}`;
    const flags = [...WHO, "--relay", relay, "--cwd", folder, "--acp", "--"];
    const command = ["run", "-A", `${ROOT}/agent/main.ts`, "coding", ...flags, ...fakeAcpCommand()];
    await using agent = startProcess(Deno.execPath(), command, {
      name: "coding agent",
      env: { ...BLANK, PATH: "/nowhere", OUROCODUS_HOME: folder },
    });
    await agent.waitForLine("Runs without a sandbox: ");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

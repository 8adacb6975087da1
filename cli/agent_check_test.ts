import assert from "node:assert/strict";
import { ROOT } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

Deno.test("agent check passes on what the agent program says, and its exit code", async () => {
  await using system = await TestSystem.create();
  const fake = [Deno.execPath(), "run", "-A", "--quiet", `${ROOT}/agent/testing/fake_acp_agent.ts`];
  assert.match(await system.ok(["agent", "check", "--acp", "--", ...fake]), /: ready\n/);
  assert.equal((await system.json(["agent", "check", "--acp", "true"])).ok, false);
  const unknown = await system.run(["agent", "check", "cluade"]);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error: There is no coding agent "cluade", there are claude, /);
});

Deno.test("a coding agent that is not installed is not started, and what installs it is said", async () => {
  await using system = await TestSystem.create();
  const start = ["agent", "start", "--session", "s", "--role", "r", "--agent", "claude"];
  const { code, stderr } = await system.run([...start, "--cwd", "."], { PATH: "/usr/bin:/bin" });
  assert.equal(code, 2);
  assert.match(stderr, /^error: .*npm install -g @agentclientprotocol\/claude-agent-acp\n$/);
});

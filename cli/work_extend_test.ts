import assert from "node:assert/strict";
import { workScene } from "./testing/work_scene.ts";

Deno.test("work that an agent runs gets more time, work that waits does not", async () => {
  await using there = await workScene();
  const extend = (...args: string[]) => there.cli("work", "extend", ...args);
  const agent = await there.agent({ agentId: "slow", v1: true });
  await there.cli("send", "work", "-s", "s", "-r", "r", "-m", "x", "--id", "a", "--deadline", "1h");
  const { deadline_ms } = await agent.gets(1) as { deadline_ms?: number };
  assert.equal(deadline_ms, 3_600_000);
  const done = await extend("a", "30m");
  assert.equal(done.code, 0, done.stderr);
  assert.match(
    done.stdout,
    /^✓ a has 30m more at agent slow, attempt 1, its deadline is [\d-]+ [\d:.]+ \(session s, /,
  );
  const json = JSON.parse((await extend("a", "30m", "--json")).stdout);
  assert.deepEqual([json.id, json.agent_id, json.work_sequence], ["a", "slow", 1]);
  assert.ok(Date.parse(json.deadline) > Date.now() + 1.9 * 3_600_000);
  await there.send("b");
  const waiting = await extend("b", "1h");
  assert.deepEqual([waiting.code, waiting.stderr], [
    ...[
      1,
      "error: b gets no more time: no relay says that an agent has it (session s, role r, sequence 2)\n",
    ],
  ]);
  assert.equal((await extend("unknown", "1h")).code, 1);
  for (const time of ["soon", "0", "31d"]) {
    const { code, stderr } = await extend("a", time);
    assert.equal(code, 2);
    assert.match(stderr, /<time> is ".*", it must be a duration like 10m or 1h, up to 30d/);
  }
});

import assert from "node:assert/strict";
import { TestRelay } from "./testing/test_relay.ts";

Deno.test("every offer is recorded and counted, also of work that had to wait for its agent", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(2);
  agent.say("result", { id: "same" });
  await agent.hasWork(2);
  const offered = await test.hasRecorded("work.offered", 2);
  assert.deepEqual(offered.map(({ seq }) => seq), [1, 2]);
  const other = test.agent({ role: "other", v1: true });
  test.publish('{"id":"1","type":"work","payload":{}}', "s", "other");
  other.say("retry", await other.hasWork());
  await other.hasWork(2);
  const { delivered, redelivered, queued } = test.relay.metrics;
  const observed = queued.counts.reduce((sum, count) => sum + count, 0);
  assert.deepEqual([delivered, redelivered, observed], [3, 1, 3]);
});

Deno.test("work that waits for an agent goes back when that is to stop, and to another that comes", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a", concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(2);
  test.relay.stopAgent({ session_id: "s", role: "r", agent_id: "a", now: false });
  await test.hasInHand(1);
  assert.equal((await test.hasRecorded("work.returned"))[0]?.reason, "no_agent");
  const other = test.agent({ v1: true });
  await other.hasWork();
  assert.equal(agent.works.length, 1);
});

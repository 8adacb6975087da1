import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import type { GivenWork } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** Work that an agent has got and left. */
async function leftWork(test: TestRelay, agentId?: string): Promise<GivenWork> {
  const agent = test.agent({ v1: true, ...(agentId !== undefined && { agentId }) });
  test.work("1");
  const work = await agent.hasWork();
  agent.leave();
  return work;
}

Deno.test("a late result that comes first wins, and the agent that has the work now is told to stop", async () => {
  await using test = await TestRelay.start({ limits: { graceMs: 0 } });
  const first = await leftWork(test, "late");
  const now = test.agent({ v1: true, agentId: "now", confirm: true });
  const second = await now.hasWork();
  assert.equal(second.attempt, 2);
  const back = test.agent({ v1: true, agentId: "late", confirm: true });
  back.say("result", first, { from: "late" });
  assert.deepEqual(await now.isTold("relay.cancel"), { lease: second.lease, reason: "answered" });
  assert.deepEqual(await back.isTold("relay.stored"), { leases: [first.lease] });
  await test.hasWaiting(0);
  now.say("result", second, { from: "now" });
  assert.equal((await now.isTold("relay.error")).code, "duplicate");
  assert.deepEqual(await test.results(), ['{"id":"1","type":"result","payload":{"from":"late"}}']);
  const [duplicate] = await test.hasRecorded("result.duplicate");
  assert.equal(duplicate?.agent_id, "now");
  assert.deepEqual([duplicate?.attempt, duplicate?.accepted_attempt], [2, 1]);
  const { results, duplicates } = test.relay.metrics;
  assert.deepEqual([results, duplicates], [1, 1]);
  back.leave();
  test.work("2");
  assert.equal((await now.hasWork(2)).id, "2", "its slot is free again");
});

Deno.test("a late result that comes second is refused, and recorded", async () => {
  await using test = await TestRelay.start();
  const first = await leftWork(test);
  const now = test.agent({ v1: true });
  now.say("result", await now.hasWork(), { from: "now" });
  await test.hasWaiting(0);
  const back = test.agent({ v1: true, agentId: "late" });
  back.say("result", first, { from: "late" });
  assert.equal((await back.isTold("relay.error")).code, "duplicate");
  assert.deepEqual(await test.results(), ['{"id":"1","type":"result","payload":{"from":"now"}}']);
  const [duplicate] = await test.hasRecorded("result.duplicate");
  assert.deepEqual([duplicate?.agent_id, duplicate?.attempt, duplicate?.seq], ["late", 1, 1]);
});

Deno.test("a late result in the same turn as the other attempt's is one of two, never both", async () => {
  await using test = await TestRelay.start();
  const first = await leftWork(test);
  const now = test.agent({ v1: true, confirm: true });
  const second = await now.hasWork();
  const back = test.agent({ v1: true });
  back.say("result", first, { from: "late" });
  now.say("result", second, { from: "now" });
  await now.isTold("relay.stored");
  await back.isTold("relay.error");
  assert.deepEqual(await test.results(), ['{"id":"1","type":"result","payload":{"from":"now"}}']);
  await test.hasWaiting(0);
});

Deno.test("a plain agent whose work was answered by a late result keeps its slot until it answers", async () => {
  await using test = await TestRelay.start();
  const first = await leftWork(test);
  const plain = test.agent();
  await plain.hasWork();
  const back = test.agent({ v1: true, role: "r", concurrency: 1, confirm: true });
  back.say("result", first);
  await back.isTold("relay.stored");
  back.leave();
  await test.hasWaiting(0);
  test.work("2");
  plain.say("progress", { id: "1" });
  assert.deepEqual(plain.works.map(({ id }) => id), ["1"]);
  plain.say("result", { id: "1" });
  assert.equal((await plain.hasWork(2)).id, "2");
  const [duplicate] = await test.hasRecorded("result.duplicate");
  assert.equal(duplicate?.agent_id, plain.connection.agentId);
  assert.equal((await test.results()).length, 1);
});

Deno.test("a late result at another relay ends the next attempt, whose agent is told", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats, limits: { graceMs: 100 } });
  const work = await leftWork(first, "a");
  const heir = first.agent({ agentId: "b", v1: true });
  const next = await heir.hasWork();
  assert.equal(next.attempt, 2);
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ agentId: "a", v1: true });
  back.say("result", work, { late: true });
  const told = { lease: next.lease, reason: "answered" };
  assert.deepEqual(await heir.isTold("relay.cancel"), told);
  await until(() => first.relay.health().in_hand === 0);
  assert.deepEqual((await second.hasResults(1)).map(({ payload }) => payload), [{ late: true }]);
  await second.hasWaiting(0);
});

Deno.test("progress and retries of work that is in other hands are refused, and harm nobody's", async () => {
  await using test = await TestRelay.start();
  const first = await leftWork(test);
  const now = test.agent({ v1: true });
  const work = await now.hasWork();
  const back = test.agent({ v1: true });
  back.say("progress", first);
  back.say("retry", first);
  await back.isTold("relay.error", 2);
  assert.deepEqual(back.errors, ["lease_lost", "lease_lost"]);
  now.say("result", work);
  await test.hasWaiting(0);
  assert.equal(now.works.length, 1);
});

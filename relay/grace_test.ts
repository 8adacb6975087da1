import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { type FakeAgent, resume } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

for (const v1 of [false, true]) {
  const who = v1 ? "a v1 agent" : "a plain agent";

  Deno.test(`${who} that comes back in time goes on with its work, which is not sent again`, async () => {
    await using test = await TestRelay.start();
    const first = test.agent({ v1, agentId: "a" });
    const other = test.agent({ v1, agentId: "b" });
    test.work("1", "2");
    const work = await first.hasWork();
    await other.hasWork();
    first.leave();
    assert.equal(test.relay.health().in_hand, 2);
    const back = test.agent({ v1, agentId: "a" });
    assert.equal(test.relay.agents().find(({ agent_id }) => agent_id === "a")?.in_hand, 1);
    test.work("3");
    back.say("result", work, { from: "back" });
    assert.equal((await back.hasWork()).id, "3", "its slot was taken until it answered");
    await test.hasWaiting(2);
    assert.deepEqual(await test.recorded("work.redelivered"), []);
    assert.equal((await test.hasResults(1))[0]?.id, "1");
  });

  Deno.test(`work of ${who} that does not come back goes to another after the grace period`, async () => {
    await using test = await TestRelay.start({ limits: { graceMs: 200 } });
    const first = test.agent({ v1, agentId: "a" });
    test.work("1");
    await first.hasWork();
    const other = test.agent({ v1: true, agentId: "b" });
    first.leave(1006, "cable");
    assert.deepEqual(other.works, []);
    assert.equal((await other.hasWork()).attempt, 2);
    const [returned] = await test.hasRecorded("work.returned");
    assert.deepEqual([returned?.reason, returned?.agent_id], ["disconnected", "a"]);
    const late = test.agent({ v1, agentId: "a" });
    assert.deepEqual(late.works, []);
  });
}

Deno.test("an agent without a name, or that says goodbye or breaks the protocol, has no grace period", async () => {
  await using test = await TestRelay.start();
  const ways: ((agent: FakeAgent) => void)[] = [
    (agent) => agent.leave(1000),
    (agent) => agent.leave(1001),
    (agent) => agent.frame("no message"),
    (agent) => {
      const { session, role, agentId } = agent.connection;
      test.relay.stopAgent({ session_id: session, role, agent_id: agentId, now: true });
    },
  ];
  test.work("1");
  const unnamed = test.agent();
  await unnamed.hasWork();
  unnamed.leave();
  for (const way of ways) {
    const agent = test.agent({ agentId: "a" });
    await agent.hasWork();
    way(agent);
    await until(() => test.relay.health().in_hand === 0, { message: "the work to be given back" });
  }
});

Deno.test("a newer socket of the same agent takes over the older one's work", async () => {
  await using test = await TestRelay.start();
  const old = test.agent({ agentId: "a", v1: true });
  test.work("1");
  const work = await old.hasWork();
  const back = test.agent({ agentId: "a", v1: true });
  assert.equal(old.closed?.code, 4500);
  resume(back, work);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  await until(() => test.relay.health().agents === 1);
  assert.equal(back.inHand, 1);
  back.say("result", work);
  await test.hasWaiting(0);
  assert.deepEqual(await test.recorded("work.returned"), []);
  assert.deepEqual(await test.recorded("work.redelivered"), []);
});

Deno.test("work that an agent comes back without is handed out again at once", async () => {
  await using test = await TestRelay.start();
  const first = test.agent({ agentId: "a", v1: true, concurrency: 2 });
  test.work("1", "2");
  await first.hasWork(2);
  first.leave();
  const [kept] = first.works;
  assert(kept);
  const back = test.agent({ agentId: "a", v1: true, concurrency: 2 });
  resume(back, kept);
  const again = await back.hasWork();
  assert.deepEqual([again.id, again.attempt], ["2", 2]);
  assert.equal(back.works.length, 1);
});

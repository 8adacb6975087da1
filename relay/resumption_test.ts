import assert from "node:assert/strict";
import { cancelWork } from "@ourocodus/ops";
import { startNats, until } from "../tests/support/mod.ts";
import { resume } from "./testing/fake_agent.ts";
import { TestRelay, workOfGoneRelay } from "./testing/test_relay.ts";

Deno.test("no work is pulled for a slot of an agent that resumes, as it is looked up", async () => {
  await using nats = await startNats();
  const work = await workOfGoneRelay({ nats });
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ agentId: "a", v1: true });
  second.work("2");
  const next = await back.hasWork();
  back.say("result", next);
  await second.hasResults(1);
  resume(back, work);
  assert.equal(back.resuming, 1);
  // The request for its slot is void when the server has heard of it.
  await new Promise((resolve) => setImmediate(resolve));
  await second.connection.nats.flush();
  second.work("3");
  await back.isTold("relay.resumed");
  assert.deepEqual(await second.recorded("work.returned"), []);
  back.say("result", work);
  assert.equal((await back.hasWork(2)).attempt, 1);
});

Deno.test("a lease is resumed at another relay after the first one is gone, and kept alive there", async () => {
  await using nats = await startNats();
  const queue = { ackWaitMs: 900 };
  const work = await workOfGoneRelay({ nats, queue });

  await using second = await TestRelay.start({ nats, queue });
  const idle = second.agent({ agentId: "b", v1: true });
  const back = second.agent({ agentId: "a", v1: true });
  resume(back, work);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  assert.deepEqual(second.relay.agents({ work: true }).map(({ work }) => work?.length), [0, 1]);
  const since = Date.now();
  await until(() => Date.now() - since > 3 * queue.ackWaitMs);
  back.say("progress", work, { percent: 50 });
  back.say("result", work, { done: true });
  await second.hasWaiting(0);
  assert.deepEqual([idle.works, back.works], [[], []]);
  assert.equal((await second.hasResults(1)).length, 1);
  assert.equal((await second.events()).filter(({ type }) => type === "progress").length, 1);
});

Deno.test("a lease that has run out is lost to the agent that has the work now, on any relay", async () => {
  await using nats = await startNats();
  const queue = { ackWaitMs: 500 };
  const work = await workOfGoneRelay({ nats, queue });
  await using second = await TestRelay.start({ nats, queue });
  await using third = await TestRelay.start({ nats, queue });
  const heir = second.agent({ agentId: "b", v1: true });
  assert.equal((await heir.hasWork()).attempt, 2);
  for (const relay of [second, third]) {
    const late = relay.agent({ agentId: "a", v1: true });
    resume(late, work);
    const cancel = await late.isTold("relay.cancel");
    assert.deepEqual(cancel, { lease: work.lease, reason: "lease_lost" });
    assert.deepEqual(late.told("relay.resumed"), []);
    assert.equal(late.connection.free, 1, "its slot is free");
    late.leave(1000);
  }
});

Deno.test("an agent moves to another relay while its first one still keeps its work", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats });
  await using second = await TestRelay.start({ nats });
  const agent = first.agent({ agentId: "a", v1: true, concurrency: 2 });
  first.work("1", "2");
  await agent.hasWork(2);
  const [one, two] = agent.works;
  assert(one && two);
  const back = second.agent({ agentId: "a", v1: true, concurrency: 2 });
  resume(back, one, two);
  assert.equal((await back.isTold("relay.resumed")).leases instanceof Array, true);
  assert.equal(first.relay.health().in_hand, 0);
  assert.equal(agent.closed?.code, 4500);
  back.say("result", one);
  back.say("result", two);
  await second.hasWaiting(0);
  assert.deepEqual(await second.recorded("work.redelivered"), []);
});

Deno.test("leases of finished work, of others, and what is none are answered one by one", async () => {
  await using test = await TestRelay.start();
  const other = test.agent({ role: "q", v1: true });
  test.publish('{"id":"q","type":"work","payload":{}}', "s", "q");
  const foreign = await other.hasWork();
  const agent = test.agent({ agentId: "a", v1: true });
  test.work("1");
  const done = await agent.hasWork();
  agent.say("result", done);
  await test.hasWaiting(1);
  const back = test.agent({ agentId: "a", v1: true });
  back.say("resume", { id: "x" }, { leases: [done.lease, foreign.lease, "nonsense", 7] });
  assert.deepEqual(await back.isTold("relay.cancel"), { lease: done.lease, reason: "answered" });
  assert.deepEqual(back.errors, ["foreign_lease", "foreign_lease", "foreign_lease"]);
  back.say("resume", { id: "x" }, { leases: "all" });
  back.say("resume", { id: "x" }, { leases: Array(4_097).fill("x") });
  await back.isTold("relay.error", 5);
  assert.deepEqual(back.errors.slice(3), ["invalid_resume", "invalid_resume"]);
  assert.equal(test.relay.health().in_hand, 1, "the other role's work is where it was");
});

Deno.test("an agent that resumes more than its concurrency gets nothing more until it has room", async () => {
  await using nats = await startNats();
  const first = await TestRelay.start({ nats });
  const agent = first.agent({ agentId: "a", v1: true, concurrency: 2 });
  first.work("1", "2");
  await agent.hasWork(2);
  await first[Symbol.asyncDispose]();
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ agentId: "a", v1: true, concurrency: 1 });
  resume(back, ...agent.works);
  await back.isTold("relay.resumed");
  second.work("3");
  const [one, two] = agent.works;
  assert(one && two);
  back.say("result", one);
  await second.hasWaiting(2);
  assert.deepEqual(back.works, []);
  back.say("result", two);
  assert.equal((await back.hasWork()).id, "3");
});

Deno.test("a result right behind the resumption of its lease is stored once", async () => {
  await using nats = await startNats();
  const work = await workOfGoneRelay({ nats });
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ agentId: "a", v1: true, confirm: true });
  resume(back, work);
  back.say("result", work, { done: true });
  await back.isTold("relay.stored");
  await second.hasWaiting(0);
  assert.equal((await second.hasResults(1)).length, 1);
  second.work("2");
  assert.equal((await back.hasWork()).id, "2", "no slot was lost");
});

Deno.test("what is said right behind the resumption of a lease is heard when it is the agent's again", async () => {
  await using nats = await startNats();
  const work = await workOfGoneRelay({ nats });
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ agentId: "a", v1: true, confirm: true });
  resume(back, work);
  back.say("progress", work, { percent: 99 });
  back.say("retry", work, { message: "later" });
  assert.equal((await back.hasWork()).attempt, 2, "it was given back, and comes again");
  assert.deepEqual(back.errors, []);
  assert.deepEqual(await back.isTold("relay.stored"), { leases: [work.lease] });
  assert.equal((await second.events()).filter(({ type }) => type === "progress").length, 1);
});

Deno.test("as many leases as may be resumed are looked up, however small NATS' messages are", async () => {
  await using test = await TestRelay.start({ natsConfig: "max_payload: 8192\n" });
  const agent = test.agent({ agentId: "a", v1: true, concurrency: 1_024 });
  const leases = Array.from({ length: 4_096 }, (_, index) => {
    const place = `1.${1_000_000 + index}.1.1763999999999999999.0`;
    return `$JS.ACK.${"d".repeat(300)}.account.OUROCODUS_WORK.s=r.${place}`;
  });
  agent.say("resume", { id: "resume" }, { leases });
  await until(() => agent.told("relay.cancel").length === leases.length);
  const answered = new Set(agent.told("relay.cancel").map(({ lease }) => lease));
  assert.deepEqual(answered, new Set(leases));
  assert.equal(test.relay.health().in_hand, 0);
  test.work("1");
  await agent.hasWork();
});

for (const now of [false, true]) {
  const how = now ? "at once" : "when it is done";

  Deno.test(`an agent that is stopped ${how} while it resumes work ends as one that has it`, async () => {
    await using nats = await startNats();
    const work = await workOfGoneRelay({ nats });
    await using second = await TestRelay.start({ nats });
    const back = second.agent({ agentId: "a", v1: true });
    const heir = second.agent({ agentId: "b", v1: true });
    resume(back, work);
    const stop = { session_id: "s", role: "r", agent_id: "a", now };
    assert.equal(second.relay.stopAgent(stop), now ? 0 : 1);
    if (now) {
      // It is not coming back, so nothing is kept for it.
      assert.equal((await heir.hasWork()).id, "1");
    } else {
      await back.isTold("relay.resumed");
      assert.equal(back.closed, undefined);
      back.say("result", work);
      await second.hasWaiting(0);
      assert.deepEqual(heir.works, []);
    }
    await until(() => back.closed?.code === 4501);
  });
}

Deno.test("an agent that comes back to work which was cancelled meanwhile hears that it was", async () => {
  await using nats = await startNats();
  const first = await TestRelay.start({ nats });
  const agent = first.agent({ agentId: "a", v1: true, concurrency: 2 });
  first.work("1", "2");
  await agent.hasWork(2);
  const [cancelled, answered] = agent.works;
  assert.ok(cancelled && answered);
  agent.say("result", answered);
  await first.hasWaiting(1);
  await first[Symbol.asyncDispose]();
  await using second = await TestRelay.start({ nats });
  await cancelWork(second.client, { workSequence: 1 }, { session: "s", role: "r" });
  await second.hasWaiting(0);
  const back = second.agent({ agentId: "a", v1: true, concurrency: 2 });
  resume(back, cancelled, answered);
  await back.isTold("relay.cancel", 2);
  assert.deepEqual(back.told("relay.cancel"), [
    { lease: cancelled.lease, reason: "cancelled" },
    { lease: answered.lease, reason: "answered" },
  ]);
});

Deno.test("a lease that is in an agent's hands is nobody else's, and neither is an older one of it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a", v1: true });
  test.work("1");
  const first = await agent.hasWork();
  agent.say("retry", first);
  const work = await agent.hasWork(2);
  const other = test.agent({ agentId: "b", v1: true });
  resume(other, work);
  const lost = { lease: work.lease, reason: "lease_lost" };
  assert.deepEqual(await other.isTold("relay.cancel"), lost);
  resume(agent, first, work);
  assert.deepEqual(await agent.isTold("relay.resumed"), { leases: [work.lease] });
  assert.deepEqual(agent.told("relay.cancel"), [{ lease: first.lease, reason: "lease_lost" }]);
  agent.say("result", work);
  await test.hasWaiting(0);
});

Deno.test("a lease is kept alive while it is looked up, and takes a slot of the newest connection alone", async () => {
  await using nats = await startNats();
  const work = await workOfGoneRelay({ nats });
  await using second = await TestRelay.start({ nats });
  const kept: string[] = [];
  second.client.subscribe("$JS.ACK.>", (_, msg) => kept.push(`${msg.string()} ${msg.subject}`));
  await second.client.nats.flush();
  const cut = second.agent({ agentId: "a", v1: true });
  resume(cut, work);
  assert.equal(cut.connection.free, 0);
  await until(() => kept.includes(`+WPI ${work.lease}`));
  const back = second.agent({ agentId: "a", v1: true });
  resume(back, work);
  assert.deepEqual([cut.resuming, back.resuming], [0, 1]);
  resume(back, work);
  assert.equal(back.resuming, 1);
  await back.isTold("relay.resumed");
  assert.deepEqual([back.resuming, back.inHand], [0, 1]);
});

Deno.test("work that was released, and that its agent resumes meanwhile, is not handed to another one", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats, limits: { graceMs: 1 } });
  await using second = await TestRelay.start({ nats });
  const agent = first.agent({ v1: true, agentId: "a" });
  first.work("1");
  const work = await agent.hasWork();
  agent.leave();
  await first.hasRecorded("work.returned");
  const back = first.agent({ v1: true, agentId: "a", concurrency: 1 });
  resume(back, work);
  const other = second.agent({ v1: true, agentId: "b" });
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  back.say("result", work);
  await first.hasWaiting(0);
  assert.deepEqual(other.works, []);
});

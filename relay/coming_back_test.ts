import assert from "node:assert/strict";
import { readStored } from "@ourocodus/bus";
import { WORK_STREAM } from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { type FakeAgent, resume } from "./testing/fake_agent.ts";
import { TestRelay, workOfGoneRelay } from "./testing/test_relay.ts";

Deno.test("a draining relay leaves work to v1 agents with a name, with or without a socket, and gives all other back", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats });
  const agents: FakeAgent[] = [];
  for (
    const options of [
      ...["stays", "was cut", "goes"].map((agentId) => ({ agentId, v1: true })),
      { agentId: "plain" },
      { v1: true },
      { agentId: "plain-was-cut" },
    ]
  ) {
    const agent = first.agent({ ...options, agentId: options.agentId?.replaceAll(" ", "-") });
    first.work(String(agents.length));
    await agent.hasWork();
    agents.push(agent);
  }
  const [stays, wasCut, goes] = agents;
  assert.ok(stays && wasCut && goes);
  wasCut.leave();
  agents[5]?.leave();
  const stop = new AbortController();
  const drained = first.relay.drain(60_000, stop.signal);
  await goes.isTold("relay.drain");
  goes.leave();
  stop.abort();
  await drained;
  await using second = await TestRelay.start({ nats });
  const heir = second.agent({ agentId: "heir", concurrency: 6 });
  await heir.hasWork(3);
  for (const { connection: { agentId }, works } of [stays, wasCut, goes]) {
    const back = second.agent({ agentId, v1: true });
    resume(back, ...works);
    assert.deepEqual(await back.isTold("relay.resumed"), { leases: [works[0]?.lease] });
  }
  assert.deepEqual(heir.works.map(({ id }) => id).sort(), ["3", "4", "5"]);
  const returned = await second.recorded("work.returned");
  assert.deepEqual(returned.map(({ reason }) => reason), Array(3).fill("draining"));
});

Deno.test("draining ends when the last agent has gone, though its work is not done", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a", v1: true });
  test.work("1");
  await agent.hasWork();
  const drained = test.relay.drain(60_000);
  agent.leave();
  await drained;
  assert.equal(test.relay.health().in_hand, 0);
  assert.deepEqual(await test.recorded("work.returned"), []);
});

Deno.test("an agent that is back before it is known that a lease is its own finds it in its hands", async () => {
  await using nats = await startNats();
  const first = await TestRelay.start({ nats });
  const agent = first.agent({ agentId: "a", v1: true });
  first.work("1");
  const work = await agent.hasWork();
  await first[Symbol.asyncDispose]();
  await using second = await TestRelay.start({ nats });
  const cut = second.agent({ agentId: "a", v1: true });
  resume(cut, work);
  cut.leave();
  const back = second.agent({ agentId: "a", v1: true });
  await until(() => back.inHand === 1);
  resume(back, work);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  back.say("result", work);
  await second.hasWaiting(0);
  assert.deepEqual(await second.recorded("work.returned"), []);
});

Deno.test("work of an agent that has lost its socket is its own at another relay, and not kept here", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats });
  await using second = await TestRelay.start({ nats });
  const agent = first.agent({ agentId: "a", v1: true });
  first.work("1");
  const work = await agent.hasWork();
  agent.leave();
  const other = second.agent({ agentId: "b", v1: true });
  resume(other, work);
  const lost = { lease: work.lease, reason: "lease_lost" };
  assert.deepEqual(await other.isTold("relay.cancel"), lost, "it is kept for its agent alone");
  const back = second.agent({ agentId: "a", v1: true });
  resume(back, work);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  assert.equal(first.relay.health().in_hand, 0);
});

Deno.test("work that waits for an agent here is its own whose lease it was, wherever that resumes it", async () => {
  await using nats = await startNats();
  const queue = { ackWaitMs: 500 };
  const work = await workOfGoneRelay({ nats, queue });
  await using first = await TestRelay.start({ nats, queue });
  // A plain agent cannot have two of one id, so the other one, whose lease runs out, waits.
  const plain = first.agent({ concurrency: 2 });
  first.work("1");
  await plain.hasWork();
  await first.hasInHand(2);
  await using second = await TestRelay.start({ nats, queue });
  const back = second.agent({ agentId: "a", v1: true });
  resume(back, work);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  assert.equal(first.relay.health().in_hand, 1);
  plain.say("result", { id: "1" });
  await first.hasWaiting(1);
  assert.equal(plain.works.length, 1);
  back.say("result", work);
  await second.hasWaiting(0);
});

Deno.test("an agent that comes back with another protocol is another program, and begins its work anew", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a" });
  test.work("1");
  await agent.hasWork();
  agent.leave();
  const back = test.agent({ agentId: "a", v1: true });
  assert.equal((await back.hasWork()).id, "1");
  assert.equal((await test.hasRecorded("work.returned"))[0]?.reason, "disconnected");
});

Deno.test("work that is looked up before it is handed out is its own whose lease it was, and nobody else's", async () => {
  await using nats = await startNats();
  const queue = { ackWaitMs: 500 };
  const work = await workOfGoneRelay({ nats, queue });
  await using test = await TestRelay.start({ nats, queue });
  const heir = test.agent({ agentId: "b", v1: true });
  await test.hasInHand(1);
  const back = test.agent({ agentId: "a", v1: true });
  resume(back, work);
  resume(heir, work);
  const lost = { lease: work.lease, reason: "lease_lost" };
  assert.deepEqual(await heir.isTold("relay.cancel"), lost);
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [work.lease] });
  assert.equal(test.relay.agents({ work: true })[1]?.work?.[0]?.attempt, 1, "it is that attempt");
  back.say("result", work);
  await test.hasWaiting(0);
  assert.deepEqual(heir.works, []);
});

Deno.test("work that waits for one agent and is resumed by another is not handed out", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a", v1: true });
  test.work("1");
  const work = await agent.hasWork();
  const plain = test.agent({ concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(3);
  const stored = await readStored(test.client, WORK_STREAM, 3);
  const lease = `$JS.ACK.${WORK_STREAM}.s=r.1.3.3.${stored?.timeNs}.0`;
  const waiting = { ...work, id: "same", lease };
  resume(agent, work, waiting);
  await agent.isTold("relay.resumed", 2);
  plain.say("result", { id: "same" });
  agent.say("result", work);
  await test.hasWaiting(1);
  agent.say("result", waiting);
  await test.hasWaiting(0);
  assert.deepEqual([plain.works.length, agent.works.length], [1, 1]);
});

Deno.test("a plain agent that is back is sent what may not have arrived again, as the same attempt", async () => {
  await using test = await TestRelay.start();
  const first = test.agent({ agentId: "a", concurrency: 3 });
  test.work("1");
  await first.hasWork();
  // A clock that has gone on: what was sent before has arrived.
  const now = performance.now.bind(performance);
  performance.now = () => now() + 45_001;
  using _ = { [Symbol.dispose]: () => void (performance.now = now) };
  test.work("2", "3");
  await first.hasWork(3);
  first.say("result", { id: "3" });
  first.leave();
  const second = test.agent({ agentId: "a", concurrency: 3 });
  assert.equal((await second.hasWork()).id, "2");
  // A newer socket takes over from one whose end nobody has noticed.
  const third = test.agent({ agentId: "a", concurrency: 3 });
  assert.equal((await third.hasWork()).id, "2");
  for (const id of ["1", "2"]) third.say("result", { id });
  await test.hasWaiting(0);
  assert.deepEqual((await test.hasResults(3)).map(({ id }) => id), ["3", "1", "2"]);
  assert.deepEqual([second, third].map(({ works }) => works.length), [1, 1]);
  assert.deepEqual(await test.recorded("work.redelivered"), []);
});

Deno.test("what a plain agent has answered as soon as it is back is not sent again", async () => {
  await using test = await TestRelay.start();
  const first = test.agent({ agentId: "a" });
  test.work("1");
  await first.hasWork();
  first.leave();
  const second = test.agent({ agentId: "a" });
  second.say("result", { id: "1" });
  test.work("2");
  assert.equal((await second.hasWork()).id, "2");
  second.say("result", { id: "2" });
  await test.hasWaiting(0);
  assert.deepEqual(second.works.map(({ id }) => id), ["2"]);
});

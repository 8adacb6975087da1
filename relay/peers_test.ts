import assert from "node:assert/strict";
import { readStored, workIdentity } from "@ourocodus/bus";
import { parseObject, WORK_STREAM } from "@ourocodus/protocol";
import {
  startNats,
  startProxy,
  type TcpProxy,
  type TestNats,
  until,
} from "../tests/support/mod.ts";
import { resume } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** So long leases live: work of a relay that is gone is handed out again soon. */
const queue = { ackWaitMs: 500 };

/** Leaves work behind that a relay which is gone had given to an agent. */
async function leaveWork(nats: TestNats): Promise<void> {
  await using relay = await TestRelay.start({ nats, queue });
  const agent = relay.agent({ v1: true });
  relay.work("1");
  await agent.hasWork();
}

/** Has a relay lose its connection, and get it back. */
async function loseNats({ connection }: TestRelay, proxy: TcpProxy): Promise<void> {
  proxy.cut();
  await until(() => !connection.connected);
  proxy.heal();
  await until(() => connection.connected);
}

Deno.test("work that another relay had takes up a slot while it is looked up, and no longer", async () => {
  await using nats = await startNats();
  await leaveWork(nats);
  await using test = await TestRelay.start({ nats, queue });
  const agent = test.agent({ v1: true });
  await until(() => test.relay.health().in_hand === 1);
  test.work("2");
  const work = await agent.hasWork();
  assert.equal(work.id, "1");
  assert.equal(test.relay.health().in_hand, 1, "no more was asked for meanwhile");
  agent.say("result", work);
  assert.equal((await agent.hasWork(2)).id, "2");
});

Deno.test("an attempt that was lost with its relay is not charged: the work is handed out again", async () => {
  await using nats = await startNats();
  await leaveWork(nats);
  await using test = await TestRelay.start({ nats, queue, limits: { maxDeliver: 1 } });
  const agent = test.agent({ v1: true });
  const work = await agent.hasWork();
  assert.equal(work.attempt, 2);
  agent.say("retry", work, { message: "no" });
  const [result] = await test.hasResults(1);
  const { message } = result?.payload as Record<string, unknown>;
  assert.equal(message, "given up after 1 attempts; the last one: retry, no");
  assert.equal((await test.log("dead")).length, 1);
});

Deno.test("work that is cancelled while it is looked up is not handed out", async () => {
  await using nats = await startNats();
  await leaveWork(nats);
  await using test = await TestRelay.start({ nats, queue });
  const agent = test.agent({ v1: true });
  await until(() => test.relay.health().in_hand === 1);
  const stored = await readStored(test.client, WORK_STREAM, 1);
  assert.ok(stored);
  assert.equal(test.relay.cancelWork({ work: workIdentity(stored), phase: "done" }), undefined);
  test.work("2");
  assert.equal((await agent.hasWork()).id, "2");
});

Deno.test("work that is delivered once more while its agent has it is not handed out again", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 2 });
  test.work("1");
  const work = await agent.hasWork();
  test.client.nats.publish(work.lease ?? "", "-NAK");
  await until(() => agent.connection.attempts()[0]?.lease.attempt === 2);
  test.work("2");
  assert.equal((await agent.hasWork(2)).id, "2");
  // What is asked of other relays from here on is answered later than what was asked before.
  const other = test.agent({ v1: true });
  const lease = `$JS.ACK.${WORK_STREAM}.s=r.1.999.1.1763999999999999999.0`;
  other.say("resume", { id: "resume" }, { leases: [lease] });
  await other.isTold("relay.cancel");
  for (const one of agent.works) agent.say("result", one);
  await test.hasWaiting(0);
  assert.deepEqual([agent.works.map(({ id }) => id), other.works], [["1", "2"], []]);
});

Deno.test("work that is given back to a queue that counts anew is given up after as many attempts", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 3 } });
  const agent = test.agent({ v1: true });
  test.work("1");
  for (const attempt of [1, 2, 3]) {
    const work = await agent.hasWork(attempt);
    assert.equal(work.attempt, attempt);
    agent.say("retry", work, { delay_ms: attempt < 3 ? 2_000 : 0 });
    if (attempt === 3) break;
    await test.hasRecorded("work.returned", attempt);
    // Made again, it knows nothing of that.
    await test.removeConsumer();
  }
  const [result] = await test.hasResults(1);
  const { code, attempts } = result?.payload as Record<string, unknown>;
  assert.deepEqual([code, attempts], ["max_deliver", 3]);
  const recorded = await test.hasRecorded("work.redelivered", 2);
  assert.deepEqual(recorded.map(({ attempt }) => attempt), [2, 3]);
});

Deno.test("work that is answered and delivered once more is acknowledged, though a plain agent has it still", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent();
  test.work("1");
  await agent.hasWork();
  const stored = await readStored(test.client, WORK_STREAM, 1);
  assert.ok(stored);
  // As if the cancelling ended before the work was removed from its stream.
  test.relay.cancelWork({ work: workIdentity(stored), phase: "done" });
  assert.equal(await test.waiting(), 1);
  test.client.nats.publish(`$JS.ACK.${WORK_STREAM}.s=r.1.1.1.${stored.timeNs}.0`, "-NAK");
  test.agent({ v1: true });
  await test.hasWaiting(0);
  assert.equal(agent.inHand, 1);
});

Deno.test("work that another relay has given back begins its next attempt without asking around", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats });
  await using second = await TestRelay.start({ nats });
  const said: unknown[] = [];
  first.client.subscribe("relays.leases", (_, msg) => said.push(parseObject(msg.string())?.kind));
  const agent = first.agent({ v1: true });
  first.work("1");
  await agent.hasWork();
  const next = second.agent({ v1: true });
  await first.client.nats.flush();
  agent.leave(1000);
  assert.equal((await next.hasWork()).id, "1");
  await until(() => said.length > 0);
  assert.deepEqual(said, ["returned"]);
});

Deno.test("after NATS was lost, work that another relay has is not handed out, though it comes as a first attempt", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  const natsUrl = `nats://127.0.0.1:${proxy.port}`;
  await using first = await TestRelay.start({ nats });
  await using second = await TestRelay.start({ nats, natsUrl });
  const busy = first.agent({ v1: true });
  first.work("1");
  await busy.hasWork();
  const idle = second.agent({ v1: true });
  await loseNats(second, proxy);
  // What a server that was killed has forgotten, one made again has never known.
  await second.removeConsumer();
  second.work("2");
  assert.equal((await idle.hasWork()).id, "2");
  assert.equal(second.relay.health().in_hand, 1, "the other's lease is let go of");
  busy.say("result", busy.works[0] ?? {});
  await second.hasWaiting(1);
});

Deno.test("after NATS was lost, work that has a result is not handed out, though it comes as a first attempt", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestRelay.start({ nats, natsUrl: `nats://127.0.0.1:${proxy.port}` });
  test.work("1");
  await test.hasWaiting(1);
  const stored = await readStored(test.client, WORK_STREAM, 1);
  assert.ok(stored);
  await test.answerElsewhere(workIdentity(stored));
  await loseNats(test, proxy);
  const agent = test.agent({ v1: true });
  await test.hasWaiting(0);
  test.work("2");
  assert.equal((await agent.hasWork()).id, "2");
});

Deno.test("work that another relay still has is not handed out when it is delivered again", async () => {
  await using nats = await startNats();
  await using first = await TestRelay.start({ nats, queue: { ackWaitMs: 30_000 } });
  const agent = first.agent({ agentId: "a", v1: true });
  first.work("1");
  const work = await agent.hasWork();
  await using second = await TestRelay.start({ nats });
  const other = second.agent({ agentId: "b", v1: true });
  // As after a restart of NATS that came too late to keep the lease alive.
  agent.leave();
  const back = first.agent({ agentId: "a", v1: true });
  resume(back, work);
  await back.isTold("relay.resumed");
  second.client.nats.publish(work.lease ?? "", "-NAK");
  second.work("2");
  assert.equal((await other.hasWork()).id, "2");
  other.say("result", other.works[0] ?? {});
  back.say("progress", work, { percent: 50 });
  back.say("result", work);
  await first.hasWaiting(0);
  const progress = (await first.log("events")).find(({ text }) => text.includes('"percent"'));
  assert.equal(JSON.parse(progress?.text ?? "{}").work.attempt, 1, "it is the same attempt still");
  assert.deepEqual(other.works.map(({ id }) => id), ["2"]);
  assert.deepEqual(await first.recorded("work.redelivered"), []);
});

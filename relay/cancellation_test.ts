import assert from "node:assert/strict";
import { readStored, workIdentity } from "@ourocodus/bus";
import { parseLease, WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** The identity of work, by its lease. */
function identityOf(lease: string | undefined): string {
  return parseLease(lease ?? "")?.work ?? "";
}

/** The identity of work, by its sequence. */
async function identityAt(test: TestRelay, sequence: number): Promise<string> {
  const stored = await readStored(test.client, WORK_STREAM, sequence);
  assert.ok(stored);
  return workIdentity(stored);
}

Deno.test("cancelling takes work from a v1 agent and frees the slot", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const { lease } = await agent.hasWork();
  const work = identityOf(lease);
  const holder = { relay_id: test.relay.id, agent_id: "a", attempt: 1, told: true, away: false };
  assert.deepEqual(test.relay.cancelWork({ work, phase: "done" }), holder);
  assert.deepEqual(await agent.isTold("relay.cancel"), { lease, reason: "cancelled" });
  assert.equal(test.relay.cancelWork({ work, phase: "done" }), undefined);
  test.work("2");
  assert.equal((await agent.hasWork(2)).id, "2");
});

Deno.test("a plain agent cannot be told, and keeps the slot of cancelled work until it answers", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a" });
  test.work("1");
  await agent.hasWork();
  const work = await identityAt(test, 1);
  const holder = { relay_id: test.relay.id, agent_id: "a", attempt: 1, told: false, away: false };
  assert.deepEqual(test.relay.cancelWork({ work, phase: "done" }), holder);
  assert.equal(agent.inHand, 1);
  agent.say("result", { id: "1" });
  await test.hasRecorded("result.duplicate");
  assert.equal(agent.inHand, 0);
  assert.deepEqual(await test.results(), []);
});

Deno.test("an answer to cancelled work is not held, and so closes no agent under overload", async () => {
  await using test = await TestRelay.start({ limits: { maxHeldBytes: 5_000 } });
  const agent = test.agent({ concurrency: 2 });
  test.work("1", "2");
  await agent.hasWork(2);
  test.relay.cancelWork({ work: await identityAt(test, 1), phase: "done" });
  agent.say("result", { id: "1" }, { text: "x".repeat(6_000) });
  assert.deepEqual([agent.inHand, agent.closed], [1, undefined]);
  agent.say("result", { id: "2" }, { text: "x".repeat(6_000) });
  assert.equal(agent.closed?.code, 4002);
});

Deno.test("cancelled work that waits for an agent is never handed out, and nobody had it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same", "other");
  await test.hasInHand(2);
  assert.equal(agent.works.length, 1);
  const work = await identityAt(test, 2);
  assert.equal(test.relay.cancelWork({ work, phase: "done" }), undefined);
  assert.equal((await agent.hasWork(2)).id, "other", "its slot is free at once");
  agent.say("result", { id: "same" });
  agent.say("result", { id: "other" });
  await test.hasResults(2);
  assert.deepEqual(agent.works.map(({ id }) => id), ["same", "other"]);
});

Deno.test("cancelled work of an agent that is away is not kept for it any more", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a", concurrency: 2 });
  test.work("1", "2");
  await agent.hasWork(2);
  const [cancelled, kept] = agent.works;
  agent.leave();
  const holder = { relay_id: test.relay.id, agent_id: "a", attempt: 1, told: false, away: true };
  const work = identityOf(cancelled?.lease);
  assert.deepEqual(test.relay.cancelWork({ work, phase: "done" }), holder);
  assert.equal(test.relay.health().in_hand, 1);
  const back = test.agent({ v1: true, agentId: "a", concurrency: 2 });
  back.say("resume", { id: "resume" }, { leases: [kept?.lease] });
  assert.deepEqual(await back.isTold("relay.resumed"), { leases: [kept?.lease] });
  assert.equal(back.inHand, 1);
});

Deno.test("work whose result is on its way is nobody's to cancel", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestRelay.start({ nats, natsUrl: `127.0.0.1:${proxy.port}` });
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  const work = await agent.hasWork();
  proxy.cut();
  await until(() => !test.connection.connected);
  agent.say("result", work);
  const notice = { work: identityOf(work.lease), phase: "done" } as const;
  assert.equal(test.relay.cancelWork(notice), undefined);
  assert.equal(test.relay.health().in_hand, 1);
  proxy.heal();
  await agent.isTold("relay.stored");
  assert.deepEqual(agent.told("relay.cancel"), []);
});

Deno.test("an agent whose own late result is stored is not told so, but loses the work it has again", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  const first = await agent.hasWork();
  agent.say("retry", first);
  await agent.hasWork(2);
  agent.say("result", first);
  await agent.isTold("relay.stored", 2);
  test.work("2");
  assert.equal((await agent.hasWork(3)).id, "2", "its slot is free");
  assert.deepEqual(agent.told("relay.cancel"), []);
});

Deno.test("a result that comes after a cancellation is told from those it came with", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true, concurrency: 2 });
  test.work("1", "2");
  await agent.hasWork(2);
  const [cancelled, other] = agent.works;
  const work = identityOf(cancelled?.lease);
  await test.answerElsewhere(work, "{}", { "Ourocodus-Outcome": "cancelled" });
  agent.frame(agent.works.map((one) => JSON.stringify({ ...one, type: "result" })).join("\n"));
  const error = await agent.isTold("relay.error");
  assert.deepEqual([error.code, error.lease], ["duplicate", cancelled?.lease]);
  assert.deepEqual(await agent.isTold("relay.stored"), { leases: [other?.lease] });
  await test.hasWaiting(0);
});

Deno.test("work that is cancelled while an agent resumes it is cancelled to that agent, too", async () => {
  await using nats = await startNats();
  const first = await TestRelay.start({ nats });
  const agent = first.agent({ v1: true, agentId: "a" });
  first.work("1");
  const { lease } = await agent.hasWork();
  await first[Symbol.asyncDispose]();
  await using second = await TestRelay.start({ nats });
  const back = second.agent({ v1: true, agentId: "a" });
  back.say("resume", { id: "resume" }, { leases: [lease] });
  const holder = second.relay.cancelWork({ work: identityOf(lease), phase: "done" });
  assert.deepEqual([holder?.agent_id, holder?.told, holder?.away], ["a", true, false]);
  assert.deepEqual(await back.isTold("relay.cancel"), { lease, reason: "cancelled" });
  assert.deepEqual([back.told("relay.resumed"), back.connection.free], [[], 1]);
});

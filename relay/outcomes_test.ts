import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect, WorkQueue } from "@ourocodus/bus";
import { traceWork } from "@ourocodus/ops";
import { parseLease, RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { makeOldStreams, storeOldOutcome } from "../bus/testing/old_streams.ts";
import { startNats, until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

/** Stores an outcome of a lease's work, as another relay does. */
async function answerElsewhere(test: TestRelay, lease: string | undefined): Promise<void> {
  await test.answerElsewhere(parseLease(lease ?? "")?.work ?? "", '{"by":"another"}');
}

Deno.test("a later attempt's result is refused where another is stored, and its work goes", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  agent.say("retry", await agent.hasWork());
  const work = await agent.hasWork(2);
  await answerElsewhere(test, work.lease);
  agent.say("result", work);
  const error = await agent.isTold("relay.error");
  assert.deepEqual([error.code, error.lease], ["duplicate", work.lease]);
  assert.deepEqual(await test.results(), ['{"by":"another"}']);
  await test.hasWaiting(0);
  assert.equal(test.relay.health().in_hand, 0);
});

Deno.test("a later attempt's result is stored where there is none, however late it comes", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  agent.say("retry", await agent.hasWork());
  const work = await agent.hasWork(2);
  agent.say("result", work, { at: "last" });
  await agent.isTold("relay.stored", 2);
  assert.deepEqual((await test.hasResults(1)).map(({ payload }) => payload), [{ at: "last" }]);
  await test.hasWaiting(0);
});

Deno.test("work that is to be given up is not, if it has been answered or removed", async () => {
  for (const what of ["answered", "removed"]) {
    await using test = await TestRelay.start({ limits: { maxDeliver: 2 } });
    const agent = test.agent({ v1: true });
    test.work("1");
    agent.say("retry", await agent.hasWork());
    const work = await agent.hasWork(2);
    if (what === "answered") await answerElsewhere(test, work.lease);
    else {
      const manager = await jetstreamManager(test.client.nats);
      await manager.streams.deleteMessage(WORK_STREAM, 1);
    }
    agent.say("retry", work);
    await test.hasWaiting(0);
    await until(() => test.relay.health().in_hand === 0);
    assert.deepEqual(await test.results(), what === "answered" ? ['{"by":"another"}'] : []);
    assert.deepEqual([await test.log("dead"), test.relay.metrics.dead], [[], 0]);
    assert.deepEqual(await test.recorded("work.dead"), []);
  }
});

Deno.test("a lease of a stream that was removed and made anew is for none of its work", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const { lease = "" } = await agent.hasWork();
  const time = String(parseLease(lease)?.work.split(".")[1]);
  const old = lease.replace(time, "1700000000000000000");
  agent.say("resume", { id: "resume" }, { leases: [old] });
  assert.deepEqual(await agent.isTold("relay.cancel"), { lease: old, reason: "answered" });
  agent.say("result", { id: "1", lease: old }, { of: "another time" });
  assert.equal((await agent.isTold("relay.error")).code, "duplicate");
  agent.say("result", { id: "1", lease });
  assert.deepEqual((await test.hasResults(1)).map(({ payload }) => payload), [{}]);
});

Deno.test("work that a relay of the version before has answered, and not acknowledged, is not handed out", async () => {
  await using nats = await startNats();
  await using before = await connect({ url: nats.url });
  await makeOldStreams(before);
  const queue = new WorkQueue(before, { ackWaitMs: 500 });
  const delivered = Promise.withResolvers<string>();
  const role = queue.open(new RoleId("s", "r"), {
    onWork: ({ lease }) => delivered.resolve(lease.work),
    onProblem: () => {},
  });
  role.want(1);
  before.nats.publish(workSubject("s", "r"), '{"id":"1","type":"work","payload":{}}');
  await storeOldOutcome(before, await delivered.promise);
  await queue.close();
  await using test = await TestRelay.start({ nats, queue: { ackWaitMs: 500 } });
  const agent = test.agent({ v1: true });
  await test.hasWaiting(0);
  test.work("2");
  agent.say("result", await agent.hasWork());
  await test.hasResults(1);
  const [trace] = await traceWork(test.client, { id: "1" });
  assert.equal(trace?.state, "done");
  assert.equal(agent.works.length, 1);
});

Deno.test("a dead letter that a relay did not live to store is stored by the next", async () => {
  await using nats = await startNats();
  const queue = { ackWaitMs: 500 };
  const first = await TestRelay.start({ nats, queue });
  const agent = first.agent({ v1: true });
  first.work("1");
  const work = await agent.hasWork();
  await first[Symbol.asyncDispose]();
  await using second = await TestRelay.start({ nats, queue });
  const identity = parseLease(work.lease ?? "")?.work ?? "";
  const payload = { code: "max_deliver", message: "given up after 5 attempts", attempts: 5 };
  const error = JSON.stringify({ id: "1", type: "error", payload });
  await second.answerElsewhere(identity, error, { "Ourocodus-Outcome": "dead" });
  second.agent();
  await second.hasWaiting(0);
  const [letter] = await second.log("dead");
  assert.equal(letter?.text, JSON.stringify({ id: "1", type: "work", payload: { n: "1" } }));
  const named = ["Reason", "Error", "Attempts"].map((name) => letter?.header(`Ourocodus-${name}`));
  assert.deepEqual(named, [payload.code, payload.message, "5"]);
  assert.equal((await second.results()).length, 1);
});

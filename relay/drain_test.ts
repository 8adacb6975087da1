import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

Deno.test("draining gives nothing out, lets work finish, and closes every agent", async () => {
  await using test = await TestRelay.start();
  const [busy, idle, plain] = [test.agent({ v1: true }), test.agent({ v1: true }), test.agent()];
  test.work("1", "2", "3");
  await test.hasInHand(3);
  const agents = [busy, idle, plain];
  for (const agent of [idle, plain]) agent.say("result", agent.works[0] ?? {});
  await test.hasResults(2);
  test.work("4");
  await until(() => agents.some(({ works }) => works.length === 2));
  const holder = agents.find(({ works }) => works.length === 2);
  holder?.say("retry", holder.works[1] ?? {}, { delay_ms: 60_000 });
  const drained = test.relay.drain(60_000);
  assert.equal(test.relay.health().status, "draining");
  assert.deepEqual(await busy.isTold("relay.drain"), { seconds: 60 });
  await until(() => idle.closed && plain.closed);
  test.work("5");
  assert.equal(busy.closed, undefined);
  busy.say("result", busy.works[0] ?? {});
  await drained;
  assert.deepEqual(agents.map(({ closed }) => closed?.code), [4000, 4000, 4000]);
  assert.equal((await test.results()).length, 3);
  assert.equal(await test.waiting(), 2);
  const returned = await test.recorded("work.returned");
  assert.deepEqual(returned.map(({ reason }) => reason), ["retry"], "nothing was taken meanwhile");
  assert.equal(test.agent().closed?.code, 4000, "one that comes now is sent away");
});

Deno.test("draining gives back what is not finished in time, to another relay at once", async () => {
  await using nats = await startNats();
  await using one = await TestRelay.start({ nats });
  await using two = await TestRelay.start({ nats });
  const slow = one.agent({ v1: true });
  one.work("1");
  await slow.hasWork();
  const other = two.agent({ v1: true });
  await one.relay.drain(0);
  assert.equal(slow.closed?.code, 4000);
  assert.equal((await other.hasWork()).attempt, 2);
  const [returned] = await two.hasRecorded("work.returned");
  assert.equal(returned?.reason, "draining");
});

Deno.test("draining gives back at once what waits for an agent", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(2);
  const drained = test.relay.drain(60_000);
  assert.equal(test.relay.health().in_hand, 1);
  agent.say("result", { id: "same" });
  await drained;
  const returned = await test.recorded("work.returned");
  assert.deepEqual(returned.map(({ seq, reason }) => [seq, reason]), [[2, "draining"]]);
});

import assert from "node:assert/strict";
import { TestRelay } from "./testing/test_relay.ts";

/** Has a relay with an agent that fails all work at once, and perhaps others. */
async function scene(suspendAfter = 3) {
  const test = await TestRelay.start({ limits: { suspendAfter, maxDeliver: 2 } });
  const broken = test.agent({ v1: true, agentId: "broken", concurrency: 2 });
  const failsAll = async (count: number, answer = "error", payload: object = { code: "exit" }) => {
    for (let next = 1; next <= count; next++) {
      broken.say(answer, await broken.hasWork(next), payload);
    }
  };
  return { test, broken, failsAll, [Symbol.asyncDispose]: () => test[Symbol.asyncDispose]() };
}

Deno.test("an agent that fails at once again and again is suspended, and takes one work item at a time after that", async () => {
  await using all = await scene();
  const { test, broken, failsAll } = all;
  test.work("1", "2", "3", "4", "5", "6");
  // It had two at once.
  await failsAll(4);
  const [paused] = test.relay.agents();
  assert.equal(paused?.paused?.reason, "failing");
  assert.match(paused.paused.message, /^3 attempts in a row ended at once; the last one: exit$/);
  const [suspended] = await test.hasEvents("agent.suspended");
  assert.deepEqual(
    [suspended?.agent_id, suspended?.reason, suspended?.until],
    ["broken", "failing", paused.paused.until],
  );
  assert.equal((await test.hasResults(4)).length, 4, "nobody else could have tried");
  const probe = await broken.hasWork(5);
  assert.equal(test.relay.agents()[0]?.paused, undefined);
  assert.equal(broken.inHand, 1, "one at a time");
  broken.say("result", probe);
  await test.hasEvents("agent.resumed");
  await broken.hasWork(6);
});

Deno.test("a probe that fails suspends again, for longer, and coming back does not help", async () => {
  await using all = await scene(1);
  const { test, broken, failsAll } = all;
  test.work("1", "2", "3", "4");
  await failsAll(3);
  const times = (await test.hasEvents("agent.suspended", 2)).map(({ until }) =>
    Date.parse(`${until}`)
  );
  const [first = 0, second = 0] = times;
  assert.ok(second - first >= 2_000, "a second, then two");
  broken.leave();
  const again = test.agent({ v1: true, agentId: "broken" });
  assert.equal(test.relay.agents()[0]?.paused?.reason, "failing");
  await again.hasWork();
});

Deno.test("work that an agent without any success fails at once is tried by another one first", async () => {
  await using all = await scene(5);
  const { test, failsAll } = all;
  const healthy = test.agent({ v1: true, agentId: "healthy" });
  test.work("1", "2", "3");
  const busy = await healthy.hasWork();
  await failsAll(2);
  healthy.say("result", busy);
  healthy.say("result", await healthy.hasWork(2));
  // Two agents say so: it has failed.
  healthy.say("error", await healthy.hasWork(3), { code: "exit" });
  const results = await test.hasResults(3);
  assert.deepEqual(results.map(({ type }) => type), ["result", "result", "error"]);
  const returned = await test.hasRecorded("work.returned", 2);
  assert.deepEqual(returned.map(({ agent_id, reason, charged }) => [agent_id, reason, charged]), [
    ["broken", "exit", true],
    ["broken", "exit", true],
  ]);
});

Deno.test("the first error of an agent that has worked counts, though another agent is there", async () => {
  await using test = await TestRelay.start();
  const busy = test.agent({ v1: true, agentId: "busy" });
  test.work("0");
  await busy.hasWork();
  const agent = test.agent({ v1: true, agentId: "agent" });
  for (const [index, type] of ["result", "error", "result", "error"].entries()) {
    test.work(`${index + 1}`);
    agent.say(type, await agent.hasWork(index + 1));
  }
  assert.deepEqual((await test.hasResults(4)).map(({ type }) => type), [
    ...["result", "error", "result", "error"],
  ]);
});

Deno.test("what an agent does not accept costs the work nothing, and suspends the agent", async () => {
  await using all = await scene();
  const { test, failsAll } = all;
  test.work("1", "2", "3");
  await failsAll(4, "retry", { reason: "not_accepted", message: "no such command" });
  await test.hasEvents("agent.suspended");
  const healthy = test.agent({ v1: true, agentId: "healthy" });
  for (const next of [1, 2, 3]) healthy.say("result", await healthy.hasWork(next));
  assert.deepEqual((await test.hasResults(3)).map(({ type }) => type), Array(3).fill("result"));
  const charged = (await test.hasRecorded("work.returned", 4)).map(({ charged }) => charged);
  assert.deepEqual(charged, Array(4).fill(false));
});

Deno.test("with 0 nobody is suspended, and every error counts", async () => {
  await using all = await scene(0);
  const { test, failsAll } = all;
  test.work(...Array.from({ length: 12 }, (_, index) => `${index}`));
  test.agent({ v1: true, agentId: "idle", role: "other" });
  await failsAll(12);
  assert.equal((await test.hasResults(12)).length, 12);
  assert.equal(test.relay.agents().find(({ paused }) => paused), undefined);
});

import assert from "node:assert/strict";
import { startNats, until } from "../tests/support/mod.ts";
import { resume } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

const work = (id: string, fields: object) =>
  JSON.stringify({ id, type: "work", payload: {}, ...fields });

Deno.test("an agent that says nothing is marked, and then its work is another's", async () => {
  await using test = await TestRelay.start({ limits: { noProgressMs: 3_000 } });
  const agent = test.agent({ v1: true, agentId: "silent" });
  test.publish(work("1", {}));
  const given = await agent.hasWork();
  const [silent] = await test.hasRecorded("work.silent");
  assert.deepEqual([silent?.id, silent?.agent_id, silent?.no_progress_ms], ["1", "silent", 3_000]);
  const marked = () => test.relay.agents({ work: true })[0]?.work?.[0]?.silent_since;
  assert.ok(Date.parse(marked() ?? "") < Date.now() - 1_000);
  agent.say("progress", given);
  assert.equal(marked(), undefined);
  const other = test.agent({ v1: true, agentId: "other" });
  assert.equal((await other.hasWork()).attempt, 2);
  assert.deepEqual(agent.told("relay.cancel"), [{ lease: given.lease, reason: "no_progress" }]);
  const [returned] = await test.hasRecorded("work.returned");
  assert.deepEqual([returned?.reason, returned?.charged], ["no_progress", true]);
  assert.match(String(returned?.error), /^the agent has said nothing for [3-9](\.\d)? s$/);
});

Deno.test("work that has taken longer than it may gets an error, and its agent is told", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a", limits: { maxAttemptMs: 60_000 } });
  test.publish(work("1", { deadline_ms: 1_000 }));
  const { lease } = await agent.hasWork();
  const [result] = await test.hasResults(1);
  assert.deepEqual(result, {
    id: "1",
    type: "error",
    payload: {
      code: "deadline_exceeded",
      message: "the work has taken longer than 1 s",
      session_id: "s",
      role: "r",
    },
  });
  assert.deepEqual(agent.told("relay.cancel"), [{ lease, reason: "deadline_exceeded" }]);
  await test.hasWaiting(0);
  test.publish(work("2", {}));
  assert.equal((await agent.hasWork(2)).id, "2", "its slot is free");
});

Deno.test("a deadline counts from the first delivery, across attempts and relays", async () => {
  await using nats = await startNats();
  const begun = Date.now();
  const given = await (async () => {
    await using test = await TestRelay.start({ nats });
    const agent = test.agent({ v1: true, agentId: "a" });
    test.publish(work("1", { deadline_ms: 6_000 }));
    test.publish(work("2", { deadline_ms: 6_000 }));
    const first = await agent.hasWork();
    agent.say("retry", first, { delay_ms: 30_000, charge: false });
    const second = await agent.hasWork(2);
    await test.hasRecorded("work.returned");
    return second;
  })();
  await using test = await TestRelay.start({ nats });
  const back = test.agent({ v1: true, agentId: "a" });
  resume(back, given);
  await back.isTold("relay.resumed");
  const results = await test.hasResults(2);
  assert.ok(Date.now() - begun >= 5_500);
  for (const { payload } of results) {
    assert.equal((payload as Record<string, unknown>).code, "deadline_exceeded");
  }
});

Deno.test("a plain agent cannot be told: it keeps its slot at a deadline, and is closed without progress", async () => {
  await using test = await TestRelay.start();
  const late = test.agent();
  test.publish(work("1", { deadline_ms: 500 }));
  const given = await late.hasWork();
  await test.hasResults(1);
  assert.equal(late.inHand, 1);
  late.say("result", given);
  assert.equal(late.inHand, 0);
  await test.hasRecorded("result.duplicate");
  const silent = test.agent({ role: "q" });
  test.publish(work("2", { no_progress_ms: 500 }), "s", "q");
  await silent.hasWork();
  await until(() => silent.closed?.code === 4009);
});

Deno.test("a person can give more time", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.publish(work("1", { deadline_ms: 2_000, no_progress_ms: 1_500 }));
  const given = await agent.hasWork();
  const [attempt] = agent.connection.attempts();
  const { lease: { work: identity } } = attempt ?? assert.fail();
  const extended = test.relay.extendWork({ work: identity, ms: 60_000 });
  assert.deepEqual([extended?.agent_id, extended?.attempt], ["a", 1]);
  const until_ = Date.parse(extended?.deadline ?? "");
  assert.ok(until_ > Date.now() + 59_000);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  agent.say("result", given);
  assert.equal((await test.hasResults(1))[0]?.type, "result");
  assert.equal(test.relay.extendWork({ work: identity, ms: 1 }), undefined);
});

Deno.test("limits that are none are refused with their values", async () => {
  await using test = await TestRelay.start();
  test.agent({ v1: true });
  test.publish(work("1", { deadline_ms: "soon" }));
  const [result] = await test.hasResults(1);
  const { code, message } = result?.payload as Record<string, unknown>;
  assert.equal(code, "invalid_message");
  assert.match(String(message), /^deadline_ms is a string, allowed is a whole number from 1 to /);
});

import assert from "node:assert/strict";
import { answersSubject, formatMessage } from "@ourocodus/protocol";
import { until } from "../tests/support/mod.ts";
import { resume } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

const ASK = { key: "k-1", question: "May I?", options: ["allow", "deny"], default: "deny" };

/** Stores an answer, as somebody does who answers. */
async function answer(test: TestRelay, answer: string, by = "me"): Promise<void> {
  const asked = await test.hasRecorded("question.asked");
  const id = String(asked.at(-1)?.question_id);
  const record = { question_id: id, answer, by, answered_at: new Date().toISOString() };
  test.client.nats.publish(answersSubject("s", "r", id), formatMessage(id, "answer", record));
  test.client.nats.publish("relays.questions", JSON.stringify({ question_id: id }));
}

Deno.test("a question waits for its answer, which the agent is told, and nothing needs to be said meanwhile", async () => {
  await using test = await TestRelay.start({ limits: { noProgressMs: 1_500 } });
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("agent.ask", work, ASK);
  const [asked] = await test.hasRecorded("question.asked");
  assert.deepEqual([asked?.id, asked?.agent_id, asked?.question], ["1", "a", "May I?"]);
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  assert.deepEqual(agent.told("relay.cancel"), [], "the clock stands still");
  await answer(test, "allow");
  assert.deepEqual(await agent.isTold("relay.answer"), {
    ...{ lease: work.lease, key: "k-1", answer: "allow", by: "me" },
  });
  await agent.isTold("relay.cancel");
});

Deno.test("a question that nobody answers ends with its default, or with nothing", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("agent.ask", work, { ...ASK, timeout_ms: 100 });
  agent.say("agent.ask", work, { key: "k-2", question: "What?", timeout_ms: 100 });
  await agent.isTold("relay.answer", 2);
  const answers = agent.told("relay.answer").map(({ key, answer, by }) => [key, answer, by]);
  assert.deepEqual(answers.toSorted(), [
    ["k-1", "deny", undefined],
    ["k-2", undefined, undefined],
  ]);
  assert.equal((await test.hasRecorded("question.expired", 2)).length, 2);
});

Deno.test("who comes back, and a further attempt, gets the answer that is stored when it asks the same again", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("agent.ask", work, ASK);
  await test.hasRecorded("question.asked");
  agent.leave();
  await answer(test, "allow");
  const back = test.agent({ v1: true, agentId: "a" });
  resume(back, work);
  await back.isTold("relay.resumed");
  back.say("agent.ask", work, ASK);
  assert.equal((await back.isTold("relay.answer")).answer, "allow");
  back.say("retry", work, {});
  const again = await back.hasWork();
  assert.equal(again.attempt, 2);
  back.say("agent.ask", again, ASK);
  assert.deepEqual(await back.isTold("relay.answer", 2), {
    ...{ lease: again.lease, key: "k-1", answer: "allow", by: "me" },
  });
  assert.equal((await test.recorded("question.asked")).length, 1, "it was asked once");
});

Deno.test("of two answers one counts", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  agent.say("agent.ask", await agent.hasWork(), { ...ASK, timeout_ms: 1_000 });
  await answer(test, "allow");
  assert.equal((await agent.isTold("relay.answer")).answer, "allow");
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(agent.told("relay.answer").length, 1);
  assert.equal((await test.log("answers")).length, 1, "its time being over changes nothing");
});

Deno.test("what is no question is refused in so many words, and changes nothing", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const work = await agent.hasWork();
  const long = "x".repeat(4_001);
  const bad: [object, RegExp][] = [
    [{ ...ASK, key: undefined }, /^key is nothing, allowed are 1 to 64 of A-Z a-z 0-9 _ -$/],
    [{ ...ASK, key: "a.b" }, /^key is "a.b"/],
    [{ ...ASK, key: ">" }, /^key is ">"/],
    [{ ...ASK, question: "" }, /^question is 0 characters, allowed is a text of 1 to 4000/],
    [{ ...ASK, question: long }, /^question is 4001 characters/],
    [{ ...ASK, question: [] }, /^question is an array/],
    [{ ...ASK, options: [] }, /^options are 0 options, allowed are 1 to 50 texts$/],
    [{ ...ASK, options: Array(51).fill("x") }, /^options are 51 options/],
    [{ ...ASK, options: ["a", 5] }, /^an option is a number/],
    [{ ...ASK, default: "maybe" }, /^default is "maybe", which is none of the options$/],
    [
      { ...ASK, timeout_ms: 0 },
      /^timeout_ms is 0, allowed is a whole number from 1 to 2592000000$/,
    ],
    [{ ...ASK, timeout_ms: "1h" }, /^timeout_ms is a string/],
  ];
  for (const [payload] of bad) agent.say("agent.ask", work, payload);
  await until(() => agent.errors.length === bad.length);
  for (const [index, { code, message, lease }] of agent.told("relay.error").entries()) {
    assert.deepEqual([code, lease], ["invalid_question", work.lease]);
    assert.match(String(message), bad[index]?.[1] ?? /never/);
  }
  for (let count = 0; count < 65; count++) {
    agent.say("agent.ask", work, { ...ASK, key: `k-${count}` });
  }
  await until(() => agent.errors.length === bad.length + 1);
  assert.match(
    String(agent.told("relay.error").at(-1)?.message),
    /^64 questions about this work wait/,
  );
  agent.say("agent.ask", { id: "1", lease: "nothing" }, ASK);
  agent.say("agent.ask", { id: "other" }, ASK);
  await until(() => agent.errors.at(-1) === "foreign_lease");
  for (const body of ["", "[]", "{}", '{"question_id":5}', '{"question_id":"x"}']) {
    test.client.nats.publish("relays.questions", body);
  }
  agent.say("result", work);
  assert.equal((await test.hasResults(1))[0]?.type, "result");
});

Deno.test("a plain agent cannot ask: its type is reserved", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent();
  test.work("1");
  agent.say("agent.ask", await agent.hasWork(), ASK);
  await until(() => agent.closed?.code === 1007);
});

/** Rules of people that answer what agents ask. */
import assert from "node:assert/strict";
import { publishStored, readLastOf, ruleId, type RulePlace } from "@ourocodus/bus";
import {
  formatMessage,
  LOG_STREAM,
  type RuleRecord,
  ruleSubject,
  SETTINGS_STREAM,
} from "@ourocodus/protocol";
import { until } from "../tests/support/mod.ts";
import type { FakeAgent, GivenWork } from "./testing/fake_agent.ts";
import { TestRelay } from "./testing/test_relay.ts";

const FINGERPRINT = "execute: npm test";
const ASK = {
  ...{ key: "k-1", question: "May I run npm test?", options: ["allow", "deny"], default: "deny" },
  fingerprint: FINGERPRINT,
};
const HERE: RulePlace = { session_id: "s", role: "r", fingerprint: FINGERPRINT };

/** Stores a rule, as people's programs do; or something else in its place. */
async function makeRule(test: TestRelay, more: Partial<RuleRecord> = {}, place = HERE) {
  const rule_id = ruleId(place);
  const record = {
    rule_id,
    ...place,
    answer: "allow",
    by: "ada",
    since: "",
    question_id: "",
    ...more,
  };
  const subject = ruleSubject(place.session_id, place.role, rule_id);
  await publishStored(test.client, subject, formatMessage(rule_id, "rule", record), {
    ...{ headers: {}, stream: SETTINGS_STREAM, timeoutMs: 5_000 },
  });
  return rule_id;
}

/** Waits until a question is stored, and the relay has looked for a rule about it. */
async function isAsked(test: TestRelay, count: number): Promise<void> {
  await test.hasRecorded("question.asked", count);
  // It asks for the answer, then for the rule: what its connection asks after that is answered later.
  for (let asked = 0; asked < 3; asked++) {
    await readLastOf(test.connection, LOG_STREAM, "sessions.nobody.events");
  }
}

async function withWork(test: TestRelay): Promise<{ agent: FakeAgent; work: GivenWork }> {
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  return { agent, work: await agent.hasWork() };
}

Deno.test("what a rule is about is answered at once, and recorded as asked and answered", async () => {
  await using test = await TestRelay.start();
  const id = await makeRule(test);
  const { agent, work } = await withWork(test);
  agent.say("agent.ask", work, ASK);
  const by = `rule ${id} of ada`;
  assert.deepEqual(await agent.isTold("relay.answer"), {
    ...{ lease: work.lease, key: "k-1", answer: "allow", by },
  });
  const [asked] = await test.hasRecorded("question.asked");
  const [answered] = await test.hasRecorded("question.answered");
  assert.equal(asked?.question, ASK.question);
  assert.deepEqual([answered?.question_id, answered?.answer, answered?.by], [
    ...[asked?.question_id, "allow", by],
  ]);
  assert.equal((await test.log("answers")).length, 1);
});

Deno.test("a rule answers nothing but its own session, role and fingerprint, with one of the options", async () => {
  await using test = await TestRelay.start();
  const { agent, work } = await withWork(test);
  // Of others, …
  await makeRule(test, {}, { ...HERE, session_id: "other" });
  await makeRule(test, {}, { ...HERE, role: "other" });
  for (
    const other of [
      "execute: npm",
      "execute: npm test ",
      "execute: npm test && rm -r /",
      "execute: npm tests",
      "Execute: npm test",
      "execute: npm  test",
      "*",
      ">",
    ]
  ) await makeRule(test, {}, { ...HERE, fingerprint: other });
  // … in its place, but not about it, …
  await makeRule(test, { fingerprint: "execute: npm" });
  agent.say("agent.ask", work, { ...ASK, key: "a" });
  await isAsked(test, 1);
  await makeRule(test, { session_id: "other" });
  agent.say("agent.ask", work, { ...ASK, key: "b" });
  await isAsked(test, 2);
  // … and with an answer that the question does not offer.
  await makeRule(test, { answer: "allow all" });
  agent.say("agent.ask", work, { ...ASK, key: "c" });
  await isAsked(test, 3);
  await makeRule(test);
  // A question that does not say what it is about, or that asks about something else.
  const { fingerprint: _, ...bare } = ASK;
  agent.say("agent.ask", work, { ...bare, key: "d" });
  agent.say("agent.ask", work, { ...ASK, key: "e", fingerprint: "execute: npm test -- -u" });
  agent.say("agent.ask", work, { ...ASK, key: "f" });
  assert.equal((await agent.isTold("relay.answer")).key, "f");
  assert.deepEqual((await test.recorded("question.answered")).length, 1);
});

Deno.test("a new rule also answers what waits already", async () => {
  await using test = await TestRelay.start();
  const { agent, work } = await withWork(test);
  agent.say("agent.ask", work, ASK);
  agent.say("agent.ask", work, { ...ASK, key: "k-2", fingerprint: "execute: ls" });
  await isAsked(test, 2);
  const rule_id = await makeRule(test);
  for (const notice of [{ rule_id: 5 }, { rule_id: "x" }, { question_id: "other", rule_id }]) {
    test.client.nats.publish("relays.questions", JSON.stringify(notice));
  }
  const { key, answer } = await agent.isTold("relay.answer");
  assert.deepEqual([key, answer], ["k-1", "allow"]);
});

Deno.test("people are asked if rules cannot be read", async () => {
  await using test = await TestRelay.start();
  const { agent, work } = await withWork(test);
  await makeRule(test);
  test.client.nats.publish("$JS.API.STREAM.DELETE.OUROCODUS_SETTINGS", "");
  await test.client.nats.flush();
  agent.say("agent.ask", work, { ...ASK, timeout_ms: 3_000 });
  assert.equal((await agent.isTold("relay.answer")).answer, "deny", "its default");
});

Deno.test("a fingerprint that people cannot read, or that stands for no options, is refused", async () => {
  await using test = await TestRelay.start();
  const { agent, work } = await withWork(test);
  const bad: [object, RegExp][] = [
    [{ fingerprint: "" }, /^fingerprint is empty, it needs 1 to 200 characters$/],
    [{ fingerprint: 5 }, /^fingerprint must be a string, got a number$/],
    [{ fingerprint: "x".repeat(201) }, /^fingerprint is 201 characters, limit is 200$/],
    [{ fingerprint: "a\nb" }, /^fingerprint has a character that is not printable: U\+000A$/],
    [{ fingerprint: "ls\u202e" }, /not printable: U\+202E$/],
    [{ fingerprint: "ls\u200b" }, /not printable: U\+200B$/],
    [{ fingerprint: "ls\u2028" }, /not printable: U\+2028$/],
    [{ fingerprint: "ls \ud800" }, /not printable: U\+D800$/],
    [{ options: undefined, default: undefined }, /^fingerprint is there, but no options/],
  ];
  for (const [more] of bad) agent.say("agent.ask", work, { ...ASK, ...more });
  await until(() => agent.errors.length === bad.length);
  for (const [index, { code, message }] of agent.told("relay.error").entries()) {
    assert.equal(code, "invalid_question");
    assert.match(String(message), bad[index]?.[1] ?? /never/);
  }
});

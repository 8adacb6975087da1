import assert from "node:assert/strict";
import { TestRelay } from "./testing/test_relay.ts";

Deno.test("a retry gives the work back, at once or after its delay", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  const first = await agent.hasWork();
  agent.say("retry", first);
  const second = await agent.hasWork(2);
  assert.equal(second.attempt, 2);
  const since = performance.now();
  agent.say("retry", second, { delay_ms: 300.4 });
  assert.equal((await agent.hasWork(3)).attempt, 3);
  assert.ok(performance.now() - since > 250, "it has waited");
  assert.deepEqual(agent.told("relay.stored"), [
    { leases: [first.lease] },
    { leases: [second.lease] },
  ]);
  assert.deepEqual(agent.errors, []);
  const returned = await test.hasRecorded("work.returned", 2);
  assert.deepEqual(returned.map(({ reason }) => reason), ["retry", "retry"]);
});

Deno.test("an event says why work was given back, in the agent's own words", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  agent.say("retry", await agent.hasWork(), { reason: "limited", message: "usage limit reached" });
  agent.say("retry", await agent.hasWork(2), { reason: "Not a word", message: "because" });
  agent.say("retry", await agent.hasWork(3), { reason: ["limited"] });
  const returned = await test.hasRecorded("work.returned", 3);
  assert.deepEqual(returned.map(({ reason, error }) => [reason, error]), [
    ["limited", "usage limit reached"],
    ["retry", "because"],
    ["retry", "the agent gave it back"],
  ]);
});

Deno.test("a retry says when its work may go on, and whether it is charged", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 2 } });
  const agent = test.agent({ v1: true });
  test.work("1");
  const says = [
    { reason: "limited" },
    { reason: "not_accepted" },
    { reason: "snoozed", not_before: new Date(Date.now() + 300).toISOString() },
    { charge: false },
    { reason: "limited", charge: true },
    { charge: "false", not_before: "2001-01-01T00:00:00Z" },
  ];
  for (const [index, payload] of says.entries()) {
    agent.say("retry", await agent.hasWork(index + 1), payload);
  }
  const [result] = await test.hasResults(1);
  assert.match(
    String((result?.payload as Record<string, unknown>).message),
    /^given up after 2 attempts; the last one: retry, /,
  );
  const returned = await test.hasRecorded("work.returned", 5);
  assert.deepEqual(returned.map(({ charged }) => charged), [false, false, false, false, true]);
  assert.deepEqual(returned.map(({ not_before }) => typeof not_before), [
    ...["string", "string", "string", "string", "undefined"],
  ]);
  assert.deepEqual(agent.errors, []);
});

Deno.test("a time to go on that is none, or too far away, is refused in so many words", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 100 } });
  const agent = test.agent({ v1: true });
  test.work("1");
  const far = new Date(Date.now() + 31 * 86_400_000).toISOString();
  const bad = [5, null, "", "soon", "2026", "2026-13-45T99:00:00Z", far, "9".repeat(100_000)];
  for (const [index, not_before] of bad.entries()) {
    agent.say("retry", await agent.hasWork(index + 1), { not_before });
  }
  await agent.hasWork(bad.length + 1);
  const errors = agent.told("relay.error");
  assert.deepEqual(errors.map(({ code }) => code), bad.map(() => "invalid_delay"));
  for (const { message } of errors) {
    assert.match(String(message), /^not_before is .{0,70}, allowed is an RFC 3339 time up to /);
  }
});

Deno.test("a retry with a delay that is none is refused in so many words, and the work given back", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 100 } });
  const agent = test.agent({ v1: true });
  test.work("1");
  const bad = [-1, 30 * 86_400_000 + 1, "5", null, [], { a: 1 }, "x".repeat(100_000)];
  for (const [index, delay_ms] of bad.entries()) {
    agent.say("retry", await agent.hasWork(index + 1), { delay_ms });
  }
  const { lease } = await agent.hasWork(bad.length + 1);
  const levels = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  agent.frame(`{"id":"1","type":"retry","payload":{"delay_ms":${levels}},"lease":"${lease}"}`);
  await agent.hasWork(bad.length + 2);
  const errors = agent.told("relay.error");
  assert.deepEqual(errors.map(({ code }) => code), errors.map(() => "invalid_delay"));
  assert.equal(errors.length, bad.length + 1);
  assert.match(String(errors[0]?.message), /^delay_ms is -1, allowed is 0 to 2592000000; the work/);
  for (const { message } of errors) assert.ok(String(message).length < 200);
});

Deno.test("after as many attempts as are allowed a retry is a dead letter and an error result", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 2 } });
  const agent = test.agent({ v1: true });
  const text = '{"id":"1","type":"work","payload":{"x":"\\u00fc"} }';
  test.publish(text);
  agent.say("retry", await agent.hasWork(), { message: "no" });
  agent.say("retry", await agent.hasWork(2), { message: "still no" });
  await test.hasWaiting(0);
  const { id, type, payload } = JSON.parse((await test.results())[0] ?? "");
  assert.deepEqual([id, type, payload.code, payload.attempts], ["1", "error", "max_deliver", 2]);
  assert.equal(payload.message, "given up after 2 attempts; the last one: retry, still no");
  const [dead] = await test.log("dead");
  assert.equal(dead?.subject, "sessions.s.dead.r");
  assert.equal(dead.text, text);
  assert.equal(dead.header("Ourocodus-Reason"), "max_deliver");
  assert.equal(dead.header("Ourocodus-Attempts"), "2");
  assert.equal(dead.header("Ourocodus-Work-Sequence"), "1");
  const [recorded] = await test.hasRecorded("work.dead");
  assert.deepEqual([recorded?.id, recorded?.attempt, recorded?.reason], ["1", 2, "max_deliver"]);
  test.work("2");
  assert.equal((await agent.hasWork(3)).id, "2");
});

Deno.test("a retry's message of any length and content cannot keep its work from dying", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 1 } });
  const agent = test.agent({ v1: true });
  const messages = ["x".repeat(3_000_000), "a\r\nNats-Msg-Id: b\r\n\r\n", "\0\u2028🦊\ud800"];
  for (const [index, message] of messages.entries()) {
    test.work(String(index));
    agent.say("retry", await agent.hasWork(index + 1), { message });
    await test.hasWaiting(0);
  }
  const results = await test.hasResults(messages.length);
  assert.deepEqual(results.map(({ type }) => type), ["error", "error", "error"]);
  const dead = await test.log("dead");
  assert.deepEqual(dead.map(({ text }) => JSON.parse(text).id), ["0", "1", "2"]);
  assert.equal((await test.hasRecorded("work.dead", 3)).length, 3);
});

Deno.test("work as large as NATS takes is a dead letter all the same", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 1 } });
  const agent = test.agent({ v1: true });
  const frame = '{"id":"1","type":"work","payload":{"x":""}}';
  const text = frame.replace('""', `"${"x".repeat(1024 * 1024 - frame.length)}"`);
  test.publish(text);
  agent.say("retry", await agent.hasWork());
  await test.hasWaiting(0);
  assert.equal((await test.hasResults(1))[0]?.type, "error");
  const [dead] = await test.log("dead");
  assert.ok(dead !== undefined, "there is a dead letter");
  assert.equal(dead.header("Ourocodus-Reason"), "max_deliver");
  assert.equal(dead.header("Ourocodus-Cut"), String(text.length));
  assert.ok(text.startsWith(dead.text) && dead.text.length > 1_000_000);
});

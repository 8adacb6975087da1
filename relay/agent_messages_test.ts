import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

Deno.test("a plain agent's answer is stored as it came, and its work is gone", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent();
  const text = '{"id":"1","type":"work","payload":{"a":  1},"extra":["ü"]}';
  test.publish(text);
  await agent.hasWork();
  assert.deepEqual(agent.frames, [text]);
  agent.frame('{ "payload": {"b": 2},\n "type":"anything", "id":"1", "more": null }');
  await test.hasWaiting(0);
  assert.deepEqual(await test.results(), [
    '{ "payload": {"b": 2},\n "type":"anything", "id":"1", "more": null }',
  ]);
  assert.deepEqual(agent.frames, [text], "a plain agent is sent nothing but work");
});

Deno.test("a v1 agent is welcomed, and its work carries attempt and lease", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a", concurrency: 3 });
  test.work("1");
  const work = await agent.hasWork();
  assert.equal(work.attempt, 1);
  assert.match(work.lease ?? "", /^\$JS\.ACK\.OUROCODUS_WORK\.s=r\./);
  const { version, heartbeat_seconds, ...welcome } = await agent.isTold("relay.welcome");
  assert.deepEqual(welcome, {
    relay_id: test.relay.id,
    agent_id: "a",
    session_id: "s",
    role: "r",
    concurrency: 3,
    max_message_bytes: 1024 * 1024 - 256,
    capabilities: ["confirm", "resume", "drain", "heartbeat", "questions"],
  });
  assert.equal(typeof version, "string");
  assert.ok(Number(heartbeat_seconds) > 0);
});

Deno.test("a v1 result is found by its lease, which is not stored with it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  const { lease } = await agent.hasWork();
  agent.say("result", { id: "1", lease }, { ok: true });
  assert.deepEqual(await agent.isTold("relay.stored"), { leases: [lease] });
  const text = '{"id":"1","type":"result","payload":{"ok":true}}';
  assert.deepEqual(await test.results(), [text]);
  await test.hasWaiting(0);
  const { results, resultCharacters, worked } = test.relay.metrics;
  assert.deepEqual([results, resultCharacters, worked.sum > 0], [1, text.length, true]);
});

Deno.test("a v1 result without a lease is found by its id, if only one piece of work has it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 3 });
  test.work("same", "same", "other");
  const work = await agent.hasWork(3);
  agent.say("result", { id: "same" });
  agent.say("result", { id: "other" });
  await test.hasResults(1);
  assert.deepEqual(agent.errors, ["unknown_work"]);
  const [first] = agent.works.filter(({ id }) => id === "same");
  assert.notEqual(first, work);
  agent.say("result", { id: "same", lease: first?.lease });
  await test.hasResults(2);
  agent.say("result", { id: "same" });
  await test.hasResults(3);
  await test.hasWaiting(0);
});

Deno.test("a result whose id is not its lease's is refused, and the work stays in hand", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const { lease } = await agent.hasWork();
  agent.say("result", { id: "2", lease });
  const error = await agent.isTold("relay.error");
  assert.deepEqual([error.code, error.lease], ["id_mismatch", lease]);
  assert.equal(test.relay.health().in_hand, 1);
  agent.say("result", { id: "1", lease });
  await test.hasResults(1);
});

Deno.test("a second answer to the same work is a duplicate, an answer to none is unmatched", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ agentId: "a" });
  test.work("1");
  await agent.hasWork();
  agent.say("result", { id: "1" });
  agent.say("result", { id: "1" }, { again: true });
  agent.say("result", { id: "never" });
  agent.say("progress", { id: "never" });
  assert.deepEqual(await test.hasRecorded("result.duplicate"), [
    { id: "1", role: "r", agent_id: "a" },
  ]);
  assert.deepEqual(await test.hasRecorded("result.unmatched"), [
    { id: "never", role: "r", agent_id: "a" },
  ]);
  assert.equal((await test.results()).length, 1);
});

Deno.test("progress is an event with the work that it is about", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, agentId: "a" });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("progress", work, { percent: 50 });
  const event = await until(async () =>
    (await test.events()).find(({ type }) => type === "progress")
  );
  assert.deepEqual(event, {
    id: "1",
    type: "progress",
    payload: { percent: 50 },
    work: { seq: 1, id: "1", role: "r", attempt: 1, agent_id: "a" },
  });
  assert.equal(agent.inHand, 1);
});

Deno.test("progress larger than NATS takes is refused, and the work goes on", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("progress", work, { x: "ü".repeat(600_000) });
  const error = await agent.isTold("relay.error");
  assert.equal(error.code, "progress_too_large");
  assert.match(String(error.message), /^progress is 12\d{5} bytes, limit is 1048320$/);
  agent.say("result", work);
  await test.hasResults(1);
});

Deno.test("an unknown type about work in hand is its result", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  agent.say("answer", await agent.hasWork());
  assert.deepEqual((await test.hasResults(1))[0]?.type, "answer");
});

Deno.test("a reserved type is refused with the work's lease, and is no result", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const work = await agent.hasWork();
  for (const type of ["relay.stored", "relay.news", "agent.news", "agent."]) agent.say(type, work);
  agent.say("agent.news", { id: "nothing of its" });
  await agent.isTold("relay.error", 5);
  assert.deepEqual(agent.errors, ["reserved_type", ...Array(4).fill("unknown_type")]);
  assert.deepEqual(
    agent.told("relay.error").map(({ lease }) => lease),
    [...Array(4).fill(work.lease), undefined],
  );
  assert.deepEqual((await test.events()).filter(({ type }) => type.startsWith("result.")), []);
  agent.say("result", work);
  assert.equal((await test.hasResults(1))[0]?.type, "result");
});

Deno.test("a type that only looks reserved is a result like any other", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 3 });
  test.work("1", "2", "3");
  const types = ["agent", "relayed.x", "my.agent.x"];
  (await agent.hasWork(3), agent.messages.filter(({ type }) => type === "work"))
    .forEach((work, i) => agent.say(types[i] ?? "", work));
  assert.deepEqual((await test.hasResults(3)).map(({ type }) => type), types);
  assert.deepEqual(agent.errors, []);
});

Deno.test("a plain agent's answer of a reserved type closes it with the reason, and its work goes to another", async () => {
  await using test = await TestRelay.start();
  for (const type of ["relay.stored", "agent.done"]) {
    const bad = test.agent();
    test.work("1");
    await bad.hasWork();
    bad.say(type, { id: "1" });
    assert.deepEqual(bad.closed, { code: 1007, reason: `type is "${type}", which is reserved` });
    const good = test.agent();
    await good.hasWork();
    good.say("result", { id: "1" });
    await test.hasWaiting(0);
    good.leave();
  }
  assert.deepEqual((await test.hasResults(2)).map(({ type }) => type), ["result", "result"]);
});

Deno.test("a drain with the id of work in hand is no result of it", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const work = await agent.hasWork();
  for (const type of ["drain", "resume"]) agent.say(type, work, { leases: [] });
  await agent.isTold("relay.error", 2);
  assert.deepEqual(agent.errors, ["invalid_message", "invalid_message"], "it has no lease");
  agent.say("drain", { id: work.id });
  agent.say("result", work);
  assert.deepEqual((await test.hasResults(1)).map(({ type }) => type), ["result"]);
  assert.equal(agent.errors.length, 2);
});

Deno.test("a frame of a thousand results is a thousand results", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 1_000 });
  test.work(...Array.from({ length: 1_000 }, (_, index) => String(index)));
  await agent.hasWork(1_000);
  const lines = agent.works.map(({ id, lease }) =>
    JSON.stringify({ id, type: "result", payload: {}, lease })
  );
  agent.frame(lines.join("\n\n"));
  await test.hasWaiting(0);
  const ids = (await test.hasResults(1_000)).map(({ id }) => Number(id));
  assert.deepEqual(ids.sort((a, b) => a - b), Array.from({ length: 1_000 }, (_, index) => index));
  assert.deepEqual(agent.errors, []);
});

Deno.test("blank frames are nothing in v1; each bad line of a frame is refused, the good ones count", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  test.work("1");
  const work = await agent.hasWork();
  for (const frame of ["", " ", "\n", " \n\n "]) agent.frame(frame);
  agent.frame(`nonsense\n{"id":7}\n${JSON.stringify({ ...work, type: "result" })}\n[]`);
  await agent.isTold("relay.error", 3);
  await test.hasResults(1);
  assert.deepEqual(agent.errors, ["invalid_message", "invalid_message", "invalid_message"]);
  assert.equal(agent.closed, undefined);
});

Deno.test("a frame of more lines than any agent has to send closes the agent", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true });
  agent.frame("x\n".repeat(1_000_000));
  assert.equal(agent.closed?.code, 1009);
  assert.match(agent.closed?.reason ?? "", /more than 10000 messages/);
  assert.ok(agent.messages.length < 20_000);
});

Deno.test("a plain agent's frame that is no message closes it, and its work goes to another", async () => {
  await using test = await TestRelay.start();
  for (const frame of ["", "nonsense", '{"id":"1"}', "[]", '{"id":"1"}\n{"id":"2"}']) {
    const bad = test.agent();
    test.work("1");
    await bad.hasWork();
    bad.frame(frame);
    assert.equal(bad.closed?.code, 1007);
    assert.match(bad.closed?.reason ?? "", /^message /);
    const good = test.agent();
    await good.hasWork();
    good.say("result", { id: "1" });
    await test.hasWaiting(0);
    good.leave();
  }
  assert.equal((await test.results()).length, 5);
});

Deno.test("a binary frame and one over the limit close the agent with their codes", async () => {
  await using test = await TestRelay.start({ limits: { maxFrameBytes: 1_000 } });
  for (const v1 of [true, false]) {
    const binary = test.agent({ v1 });
    binary.frame(new Uint8Array([1]).buffer);
    assert.deepEqual(binary.closed, {
      code: 1007,
      reason: "binary frame; a message is a text frame",
    });
    const large = test.agent({ v1 });
    large.frame("x".repeat(1_001));
    assert.deepEqual(large.closed, {
      code: 1009,
      reason: "frame is 1001 bytes, limit is 1000",
    });
  }
});

Deno.test("two pieces of work with one id are never in one plain agent's hands at once", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same", "same");
  await agent.hasWork();
  await test.hasInHand(2);
  assert.equal(agent.works.length, 1);
  const other = test.agent();
  await until(() => agent.works.length + other.works.length === 2);
  for (const one of [agent, other, agent]) one.say("result", { id: "same" });
  await until(() => agent.works.length + other.works.length === 3);
  for (const one of [agent, other]) {
    if (one.inHand > 0) one.say("result", { id: "same" });
  }
  await test.hasResults(3);
  await test.hasWaiting(0);
});

Deno.test("a result larger than NATS takes becomes an error result", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, confirm: true });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("result", work, { x: "x".repeat(1024 * 1024) });
  const error = await agent.isTold("relay.error");
  assert.equal(error.code, "result_refused");
  assert.match(String(error.message), /^message is \d+ bytes, limit is 1048576$/);
  const [result] = await test.hasResults(1);
  assert.equal(result?.type, "error");
  assert.equal((result?.payload as Record<string, unknown>).code, "result_refused");
  await test.hasWaiting(0);
});

Deno.test("a result larger than the log's stream takes becomes an error result", async () => {
  await using test = await TestRelay.start({ logMaxMsgSize: 2_000 });
  const agent = test.agent({ v1: true, concurrency: 3 });
  test.work("1", "2", "3");
  await agent.hasWork(3);
  const [one, two, three] = agent.works;
  agent.say("result", one ?? {}, { x: "small" });
  agent.say("result", two ?? {}, { x: "x".repeat(3_000) });
  agent.say("result", three ?? {}, { x: "small" });
  await test.hasWaiting(0);
  const results = await test.hasResults(3);
  assert.deepEqual(
    results.map(({ id, type }) => `${id} ${type}`).sort(),
    ["1 result", "2 error", "3 result"],
  );
});

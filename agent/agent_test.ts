/** What an agent does with work. */
import assert from "node:assert/strict";
import { RetryableError } from "./errors.ts";
import { FakeAgent } from "./testing/fake_agent.ts";
import { workLine } from "./testing/fake_relay.ts";
import { ManualHandler } from "./testing/manual_handler.ts";

Deno.test("an agent connects as who it is and answers work by its lease", async () => {
  const agent = new FakeAgent((work) => ({ got: work.payload }), { concurrency: 3 });
  assert.equal(
    agent.socket.url.href,
    "ws://relay.test/agent?session_id=s&role=r&agent_id=a&concurrency=3&confirm=true",
  );
  await agent.socket.welcome();
  await agent.socket.frame(workLine("w", "lease-1", 2, { x: 1 }));
  assert.deepEqual(agent.socket.frames, [
    '{"id":"w","type":"result","payload":{"got":{"x":1}},"lease":"lease-1"}',
  ]);
  await agent.socket.stored("lease-1");
  await agent.stop();
  assert.equal(await agent.done, undefined);
  assert.deepEqual(agent.socket.closed, { code: 1000, reason: "agent stops" });
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a handler is told the work, the attempt and who it is", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.frame(
    '{"id":"w","type":"review","extra":[1],"payload":{"x":1},"attempt":4,"lease":"L"}',
  );
  const { work, context } = handler.running.get("w") ?? assert.fail();
  assert.deepEqual({ ...work, message: undefined }, {
    id: "w",
    type: "review",
    payload: { x: 1 },
    attempt: 4,
    sequence: 0,
    key: "L",
    message: undefined,
  });
  assert.deepEqual((work.message as unknown as { extra: unknown }).extra, [1]);
  assert.deepEqual(
    [context.attempt, context.session, context.role, context.agentId],
    [4, "s", "r", "a"],
  );
  assert.equal(context.signal.aborted, false);
  await handler.finish("w");
  await agent.socket.stored("L");
  await agent.stop();
  await agent.done;
});

Deno.test("a handler is told the work's sequence and identity, the same at every attempt", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { concurrency: 2 });
  await agent.socket.welcome();
  await agent.socket.frame(
    workLine("w", "$JS.ACK.OUROCODUS_WORK.s_r.1.17.20.1700000000000000001.0", 1),
  );
  await agent.socket.frame(
    workLine("v", "$JS.ACK.OUROCODUS_WORK.s_r.2.17.21.1700000000000000001.0", 2),
  );
  for (const id of ["w", "v"]) {
    const { work } = handler.running.get(id) ?? assert.fail();
    assert.deepEqual([work.sequence, work.key], [17, "17.1700000000000000001"]);
  }
  await agent.socket.say("relay.cancel", { lease: "x", reason: "cancelled" });
  await handler.finish("w");
  await handler.finish("v");
  await agent.stop();
});

Deno.test("a handler's listener hears that its result is stored, not that it is refused or released", async () => {
  const heard: string[] = [];
  const agent = new FakeAgent((work, context) => {
    context.onStored(() => heard.push(work.id));
    context.onStored(() => {
      throw new Error("dropped");
    });
    if (work.payload.retry) throw new RetryableError("later", { reason: "limited" });
  }, { concurrency: 3 });
  await agent.socket.welcome();
  await agent.socket.frame(workLine("a", "A", 1));
  await agent.socket.frame(workLine("b", "B", 1));
  await agent.socket.frame(workLine("c", "C", 1, { retry: true }));
  assert.deepEqual(agent.socket.sent.at(-1)?.payload, {
    delay_ms: 1_000,
    message: "later",
    reason: "limited",
  });
  await agent.socket.say("relay.error", { code: "duplicate", message: "late", lease: "B" });
  await agent.socket.stored("A", "B", "C");
  assert.deepEqual(heard, ["a"]);
  await agent.stop();
  await agent.done;
});

Deno.test("a thousand messages in one frame are answered in one frame", async () => {
  const agent = new FakeAgent(() => {}, { concurrency: 1_024 });
  await agent.socket.welcome();
  const leases = Array.from({ length: 1_000 }, (_, index) => `L${index}`);
  await agent.socket.work(...leases);
  assert.equal(agent.socket.frames.length, 1);
  assert.deepEqual(agent.socket.answers, leases.map((lease) => `result ${lease}`));
  await agent.socket.stored(...leases);
  await agent.stop();
  assert.equal(await agent.done, undefined);
});

Deno.test("no more handlers run than concurrency, even if a relay sends more", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { concurrency: 2 });
  await agent.socket.welcome();
  await agent.socket.work("1", "2", "3", "4", "5");
  assert.deepEqual(handler.begun, ["1", "2"]);
  await agent.socket.say("relay.cancel", { lease: "1", reason: "answered" });
  assert.equal(handler.running.size, 2, "an aborted handler holds its slot until it ends");
  for (const id of ["1", "2", "3", "4", "5"]) await handler.finish(id);
  assert.deepEqual(handler.begun, ["1", "2", "3", "4", "5"]);
  assert.equal(handler.most, 2);
  assert.deepEqual(agent.socket.answers, ["result 2", "result 3", "result 4", "result 5"]);
  await agent.socket.stored("2", "3", "4", "5");
  await agent.stop();
  await agent.done;
});

Deno.test("the same lease twice runs once, also when its result is kept", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { concurrency: 4 });
  await agent.socket.welcome();
  await agent.socket.work("1", "1");
  await handler.finish("1");
  await agent.socket.work("1");
  assert.deepEqual(handler.begun, ["1"]);
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  assert.deepEqual(agent.told, ["connected", "work.duplicate", "work.duplicate"]);
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("cancelled work is aborted and not answered", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1", "2");
  const signal = handler.signal("1");
  await agent.socket.say("relay.cancel", { lease: "1", reason: "answered" });
  await agent.socket.say("relay.cancel", { lease: "2", reason: "dead" });
  await agent.socket.say("relay.cancel", { lease: "unknown", reason: "dead" });
  assert.match(String(signal?.reason), /The relay cancelled this work: answered/);
  await handler.finish("1");
  assert.deepEqual(handler.begun, ["1"]);
  assert.deepEqual(agent.socket.frames, []);
  assert.deepEqual(agent.told, ["connected", "work.cancelled", "work.cancelled"]);
  await agent.stop();
  await agent.done;
});

Deno.test("a cancelled handler that never ends keeps its slot for half a minute only", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("stuck");
  await agent.socket.say("relay.cancel", { lease: "stuck", reason: "cancelled" });
  await agent.socket.work("next");
  await agent.clock.advance(29_000);
  assert.equal(handler.running.has("next"), false);
  await agent.clock.advance(1_000);
  assert.deepEqual(agent.event("work.stuck"), { type: "work.stuck", id: "stuck", afterMs: 30_000 });
  assert.equal(handler.running.has("next"), true);
  await agent.socket.work("third");
  await handler.finish("stuck");
  assert.equal(handler.running.has("third"), false, "it is counted once");
  await handler.finish("next");
  assert.equal(handler.running.has("third"), true);
  await handler.finish("third");
  await agent.socket.stored("next", "third");
  await agent.stop();
  await agent.done;
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a kept result is dropped when its lease is cancelled", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.socket.say("relay.cancel", { lease: "1", reason: "answered" });
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, []);
  await agent.stop();
  await agent.done;
});

Deno.test("a lost lease ends the try to release work, but not a result", async () => {
  const agent = new FakeAgent((work) => {
    if (work.id === "back") throw new RetryableError("busy");
  }, { concurrency: 2 });
  await agent.socket.welcome();
  await agent.socket.frame(`${workLine("back", "B")}\n${workLine("done", "D")}`);
  assert.deepEqual(agent.socket.answers, ["retry B", "result D"]);
  for (const [lease, dropped] of [["B", true], ["D", false]] as const) {
    await agent.socket.say("relay.error", { code: "lease_lost", message: "", lease });
    assert.equal(agent.event("relay.error")?.dropped, dropped);
  }
  await agent.socket.end(1006);
  await agent.clock.advance(500);
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result D"]);
  await agent.socket.stored("D");
  await agent.stop();
  await agent.done;
});

Deno.test("lines that cannot be understood are passed over", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.open();
  await agent.socket.work("early");
  await agent.socket.welcome();
  await agent.socket.frame("");
  await agent.socket.frame("{");
  await agent.socket.frame(new ArrayBuffer(1));
  await agent.socket.frame('{"id":"1","type":"work","payload":{}}');
  await agent.socket.frame('{"id":"1","type":"work","payload":{},"attempt":0,"lease":"L"}');
  await agent.socket.frame('{"id":"1","type":"work","payload":{},"attempt":1,"lease":"\\""}');
  await agent.socket.frame('{"id":"1","type":"relay.news","payload":{}}');
  await agent.socket.frame(`]\n${workLine("1", "L1")}`);
  assert.deepEqual(agent.socket.answers, ["result L1"]);
  assert.equal(agent.told.filter((type) => type === "line.invalid").length, 8);
  assert.equal(agent.event("line.invalid")?.line, "]");
  await agent.socket.stored("L1");
  await agent.stop();
  await agent.done;
});

Deno.test("work that waits is begun when a result that kept it waiting is cancelled or refused", async () => {
  for (const end of ["relay.cancel", "relay.error"]) {
    const agent = new FakeAgent(() => "x".repeat(40 * 1024 * 1024));
    await agent.socket.welcome({ max_message_bytes: 64 * 1024 * 1024 });
    await agent.socket.work("1");
    await agent.socket.work("2");
    assert.deepEqual(agent.socket.answers, ["result 1"]);
    const why = { reason: "answered", code: "duplicate", message: "no" };
    await agent.socket.say(end, { lease: "1", ...why });
    assert.deepEqual(agent.socket.answers, ["result 1", "result 2"]);
    await agent.socket.stored("2");
    await agent.stop();
    await agent.done;
  }
});

Deno.test("no new work is begun while too many results wait to be stored", async () => {
  const agent = new FakeAgent(() => "x".repeat(20 * 1024 * 1024), { concurrency: 2 });
  await agent.socket.welcome({ max_message_bytes: 64 * 1024 * 1024 });
  await agent.socket.work("1", "2");
  await agent.socket.work("3");
  assert.deepEqual(agent.socket.answers, ["result 1", "result 2"]);
  await agent.socket.stored("1");
  assert.deepEqual(agent.socket.answers, ["result 1", "result 2", "result 3"]);
  await agent.socket.stored("2", "3");
  await agent.stop();
  await agent.done;
});

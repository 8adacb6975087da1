/** How an agent stops. */
import assert from "node:assert/strict";
import { FakeAgent } from "./testing/fake_agent.ts";
import { ManualHandler } from "./testing/manual_handler.ts";

Deno.test("aborting lets work finish, waits until it is stored, and closes", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { concurrency: 2 });
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.stop();
  await agent.socket.work("2");
  assert.deepEqual(handler.begun, ["1"], "no work is begun any more");
  await handler.finish("1");
  assert.equal(agent.socket.isClosed, false, "its result is not stored yet");
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.stored("1");
  assert.deepEqual(agent.socket.closed, { code: 1000, reason: "agent stops" });
  assert.equal(await agent.done, undefined);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("what is in hand is given up at once when it is abandoned after the stop", async () => {
  const handler = new ManualHandler();
  const abandon = new AbortController();
  const agent = new FakeAgent(handler.handle, { abandon: abandon.signal });
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.stop();
  assert.equal(agent.socket.isClosed, false);
  abandon.abort();
  assert.equal(handler.signal("1")?.aborted, true);
  assert.deepEqual(agent.socket.closed, { code: 1000, reason: "agent stops" });
  assert.equal(await agent.done, undefined);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a relay is told that the agent stops, and the next one too", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.stop();
  assert.deepEqual(agent.socket.frames, ['{"id":"drain","type":"drain","payload":{}}']);
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.sent.map(({ type }) => type), ["drain"]);
  await handler.finish("1");
  await agent.socket.stored("1");
  assert.equal(await agent.done, undefined);
});

Deno.test("work that is not finished in time is aborted and left to the relay", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { drainMs: 5_000 });
  await agent.socket.welcome();
  await agent.socket.work("1");
  const signal = handler.signal("1");
  await agent.stop();
  await agent.clock.advance(4_999);
  assert.equal(signal?.aborted, false);
  await agent.clock.advance(1);
  assert.equal(signal?.aborted, true);
  assert.equal(await agent.done, undefined);
  assert.deepEqual(agent.socket.answers, []);
  assert.equal(agent.event("work.abandoned")?.running, 1);
  await handler.finish("1");
  assert.equal(agent.clock.pending, 0);
});

Deno.test("results that are never stored do not keep a stopped agent for ever", async () => {
  const agent = new FakeAgent(() => ({}), { drainMs: 5_000 });
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.stop();
  await agent.clock.advance(5_000);
  assert.equal(agent.ended, false);
  await agent.clock.advance(3_000);
  assert.equal(await agent.done, undefined);
  assert.equal(agent.event("results.lost")?.kept, 1);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a stopped agent reconnects to deliver what it has", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.stop();
  await agent.socket.end(1006);
  await handler.finish("1");
  await agent.clock.advance(500);
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.stored("1");
  assert.equal(await agent.done, undefined);
});

Deno.test("aborting ends the wait for a reconnection at once", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.end(1006, "tcp connect error");
  assert.equal(agent.event("unreachable")?.reason, "tcp connect error");
  await agent.stop();
  assert.equal(await agent.done, undefined);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("aborting while it connects closes the socket", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.stop();
  assert.equal(await agent.done, undefined);
  assert.equal(agent.socket.closed?.code, 1000);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("an agent that is told to stop before it began does not connect", async () => {
  const agent = new FakeAgent(() => ({}), { signal: AbortSignal.abort() });
  assert.equal(await agent.done, undefined);
  assert.equal(agent.relay.sockets.length, 0);
});

Deno.test("aborting does not wait for ever for a relay that does not answer the close", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome();
  agent.socket.answersClose = false;
  await agent.stop();
  assert.equal(agent.ended, false);
  await agent.clock.advance(3_000);
  assert.equal(await agent.done, undefined);
});

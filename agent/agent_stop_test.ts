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

Deno.test("running work is abandoned at once when the agent is told so after the stop", async () => {
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

Deno.test("results that are never stored do not keep a stopped agent forever", async () => {
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

Deno.test("aborting does not wait forever for a relay that does not answer the close", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome();
  agent.socket.answersClose = false;
  await agent.stop();
  assert.equal(agent.ended, false);
  await agent.clock.advance(3_000);
  assert.equal(await agent.done, undefined);
});

Deno.test("what is abandoned before it is asked to stop goes on, and after its end nothing begins", async () => {
  const abandon = new AbortController();
  const agent = new FakeAgent(() => ({}), { abandon: abandon.signal });
  await agent.socket.welcome();
  abandon.abort();
  await agent.socket.work("1");
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.end(4501, "stopped");
  await agent.done;
  await agent.stop();
  assert.deepEqual([agent.told.includes("stopping"), agent.clock.pending], [false, 0]);
});

Deno.test("an abandoned agent does not wait until what it has is stored, connected or not", async () => {
  for (const connected of [true, false]) {
    const abandon = new AbortController();
    const agent = new FakeAgent(() => ({}), { abandon: abandon.signal });
    await agent.socket.welcome();
    await agent.socket.work("1");
    if (!connected) await agent.socket.end(1006);
    await agent.stop();
    assert.equal(agent.ended, false);
    abandon.abort();
    assert.equal(await agent.done, undefined);
    assert.equal(agent.event("results.lost")?.kept, 1);
    assert.equal(agent.told.includes("work.abandoned"), false, "nothing was running");
    assert.equal(agent.clock.pending, 0);
  }
});

Deno.test("without a relay an agent ends when the time to finish is over, whatever it has", async () => {
  for (const finished of [true, false]) {
    const handler = new ManualHandler();
    const agent = new FakeAgent(handler.handle, { drainMs: 5_000 });
    await agent.socket.welcome();
    await agent.socket.work("1");
    const signal = handler.signal("1");
    if (finished) await handler.finish("1");
    await agent.stop();
    await agent.socket.end(1006);
    await agent.clock.advance(4_999);
    assert.equal(agent.ended, false);
    await agent.clock.advance(1);
    assert.deepEqual([signal?.aborted, await agent.done], [!finished, undefined]);
    assert.equal(agent.event("results.lost")?.kept, finished ? 1 : undefined);
    assert.equal(agent.clock.pending, 0);
  }
});

Deno.test("an agent that is to stop while it leaves a relay that drains does not go to another", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome();
  agent.socket.answersClose = false;
  await agent.socket.say("relay.drain", { seconds: 25 });
  assert.equal(agent.socket.isClosed, true);
  await agent.stop();
  await agent.socket.end(1000);
  assert.equal(await agent.done, undefined);
  assert.equal(agent.relay.sockets.length, 1);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a stopped agent ends when the last that it has is cancelled or refused", async () => {
  for (const end of ["relay.cancel", "relay.error"]) {
    for (const finished of [true, false]) {
      if (end === "relay.error" && !finished) continue; // What runs is not refused.
      const handler = new ManualHandler();
      const agent = new FakeAgent(handler.handle);
      await agent.socket.welcome();
      await agent.socket.work("1");
      await agent.stop();
      if (finished) await handler.finish("1");
      assert.equal(agent.socket.isClosed, false);
      const why = { reason: "answered", code: "duplicate", message: "no" };
      await agent.socket.say(end, { lease: "1", ...why });
      assert.equal(await agent.done, undefined);
      assert.equal(agent.event("results.lost"), undefined);
    }
  }
});

/** What an agent tells of its work: progress, then a result, an error, or that it releases it. */
import assert from "node:assert/strict";
import { RetryableError, WorkError } from "./errors.ts";
import { FakeAgent } from "./testing/fake_agent.ts";
import { turns } from "./testing/fake_clock.ts";
import { workLine } from "./testing/fake_relay.ts";
import { ManualHandler } from "./testing/manual_handler.ts";

Deno.test("RetryableError releases work; any other throw is a final error", async () => {
  const thrown: Record<string, unknown> = {
    retry: new RetryableError("busy", { delayMs: 250 }),
    error: Object.assign(new TypeError("broken"), { code: "E1" }),
    text: "only text",
    nothing: undefined,
  };
  const agent = new FakeAgent((work) => {
    throw thrown[work.id];
  }, { concurrency: 4 });
  await agent.socket.welcome();
  await agent.socket.work(...Object.keys(thrown));
  assert.deepEqual(agent.socket.sent.map(({ type, payload }) => ({ type, payload })), [
    { type: "retry", payload: { delay_ms: 250, message: "busy" } },
    { type: "error", payload: { message: "broken", name: "TypeError", code: "E1" } },
    { type: "error", payload: { message: "only text" } },
    { type: "error", payload: { message: "undefined" } },
  ]);
  assert.deepEqual(agent.told.slice(1), [
    "work.retried",
    "work.failed",
    "work.failed",
    "work.failed",
  ]);
  assert.equal(agent.event("work.retried")?.error, thrown.retry);
  await agent.socket.stored(...Object.keys(thrown));
  await agent.stop();
  await agent.done;
});

Deno.test("a WorkError is a final error with further fields", async () => {
  const agent = new FakeAgent(() => {
    throw new WorkError("exit", "it ended with 2", { details: { exit_code: 2 } });
  });
  await agent.socket.welcome();
  await agent.socket.work("1");
  assert.deepEqual(agent.socket.sent.map(({ type, payload }) => ({ type, payload })), [
    { type: "error", payload: { code: "exit", message: "it ended with 2", exit_code: 2 } },
  ]);
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("a WorkError whose details have no JSON form is an error anyway", async () => {
  const agent = new FakeAgent(() => {
    throw new WorkError("odd", "no JSON", { details: { big: 1n } });
  });
  await agent.socket.welcome();
  await agent.socket.work("1");
  assert.deepEqual(agent.socket.sent[0]?.payload, {
    message: "no JSON",
    name: "WorkError",
    code: "odd",
  });
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("a result that has no JSON form is an error, of which the agent's log tells", async () => {
  const agent = new FakeAgent(() => ({ size: 1n }));
  await agent.socket.welcome();
  await agent.socket.work("1");
  assert.deepEqual(agent.socket.answers, ["error 1"]);
  assert.equal(agent.event("result.unsendable")?.reason, "it has no JSON form");
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("a payload of exactly maxPayloadBytes is sent, one byte more is not", async () => {
  for (const [more, type] of [[0, "result"], [1, "error"]] as const) {
    const agent = new FakeAgent((_, context) => {
      const frame = '{"text":""}'.length;
      return { text: "x".repeat(context.maxPayloadBytes - frame + more) };
    });
    await agent.socket.welcome({ max_message_bytes: 1_000 });
    await agent.socket.frame(workLine('é"id', "lease-1"));
    assert.equal(agent.socket.sent[0]?.type, type);
    await agent.socket.stored("lease-1");
    await agent.stop();
    await agent.done;
  }
});

Deno.test("rejections are answered like throws", async () => {
  const agent = new FakeAgent(() => Promise.reject(new RetryableError("later")));
  await agent.socket.welcome();
  await agent.socket.work("1");
  assert.deepEqual(agent.socket.sent[0]?.payload, { delay_ms: 1_000, message: "later" });
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("a result that the relay would not take becomes an error, by this relay's limit", async () => {
  const agent = new FakeAgent(() => ({ text: "é".repeat(500) }));
  await agent.socket.welcome({ max_message_bytes: 1_000 });
  await agent.socket.work("1");
  assert.equal(agent.socket.sent[0]?.type, "error");
  assert.match(
    String(agent.socket.sent[0]?.payload.message),
    /^Cannot send the result: it is 10\d\d bytes, limit is 1000$/,
  );
  assert.deepEqual(agent.told, ["connected", "result.unsendable"]);
  await agent.reconnect();
  await agent.socket.welcome({ max_message_bytes: 2_000 });
  assert.equal(agent.socket.sent[0]?.type, "result");
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("progress is sent before the result, and only while the work runs", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome({ max_message_bytes: 1_000 });
  await agent.socket.work("1");
  const { context } = handler.running.get("1") ?? assert.fail();
  context.progress("half");
  context.progress({ percent: 50 });
  context.progress("x".repeat(2_000));
  context.progress({ big: 1n });
  agent.socket.bufferedBytes = 5_000_000;
  context.progress("not read");
  agent.socket.bufferedBytes = 0;
  await handler.finish("1");
  context.progress("too late");
  await turns();
  assert.deepEqual(agent.socket.frames.length, 1);
  assert.deepEqual(agent.socket.sent.map(({ type, payload }) => [type, payload]), [
    ["progress", { message: "half" }],
    ["progress", { percent: 50 }],
    ["result", { done: "1" }],
  ]);
  assert.deepEqual(agent.told.slice(1), [
    "progress.dropped",
    "progress.dropped",
    "progress.dropped",
  ]);
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("progress is dropped while no relay is connected, or another than the one that brought the work", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1");
  const { context } = handler.running.get("1") ?? assert.fail();
  await agent.socket.end(1006);
  context.progress("half");
  const dropped = agent.event("progress.dropped");
  assert.deepEqual([dropped?.report, dropped?.reason], ["progress", "no relay is connected"]);
  await agent.clock.advance(500);
  await agent.socket.welcome();
  context.progress("more");
  const { reason } = agent.event("progress.dropped") ?? assert.fail();
  assert.equal(reason, "the connection that brought its work is gone");
  await handler.finish("1");
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  for (const code of ["progress_too_large", "unknown_type"]) {
    await agent.socket.say("relay.error", { code, message: "", lease: "1" });
    assert.equal(agent.event("relay.error")?.dropped, false, code);
  }
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

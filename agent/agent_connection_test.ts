/** How an agent connects, comes back, and is told not to. */
import assert from "node:assert/strict";
import { ServeError } from "./errors.ts";
import { FakeAgent } from "./testing/fake_agent.ts";
import { workLine } from "./testing/fake_relay.ts";
import { ManualHandler } from "./testing/manual_handler.ts";

Deno.test("work goes on when the connection is lost; its result is sent after the welcome", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.socket.end(1006);
  assert.equal(handler.signal("1")?.aborted, false);
  assert.deepEqual({ ...agent.event("disconnected"), retryMs: 0 }, {
    type: "disconnected",
    url: "ws://relay.test/agent",
    code: 1006,
    reason: "",
    retryMs: 0,
    running: 1,
    kept: 0,
  });
  await handler.finish("1");
  await agent.clock.advance(500);
  assert.equal(agent.relay.sockets.length, 2);
  await agent.socket.open();
  assert.deepEqual(agent.socket.frames, [], "nothing is sent before the welcome");
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.stored("1");
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, [], "what is stored is not sent again");
  await agent.stop();
  await agent.done;
});

Deno.test("a result that was not confirmed is sent again, until it is stored or refused", async () => {
  const agent = new FakeAgent(() => ({}), { concurrency: 2 });
  await agent.socket.welcome();
  await agent.socket.work("1", "2");
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result 1", "result 2"]);
  await agent.socket.stored("1");
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result 2"]);
  await agent.socket.say("relay.error", { code: "duplicate", message: "late", lease: "2" });
  assert.equal(agent.event("relay.error")?.dropped, true);
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, []);
  await agent.stop();
  await agent.done;
});

Deno.test("the first that a relay hears is which leases are still in use: what runs, and what is not stored", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { concurrency: 2 });
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.resumed, []);
  await agent.socket.work("1", "2", "3");
  await handler.finish("1");
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.resumed, ["2", "3", "1"]);
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.say("relay.resumed", { leases: ["2", "1"] });
  await agent.socket.say("relay.cancel", { lease: "3", reason: "lease_lost" });
  assert.equal(handler.signal("3")?.aborted, true);
  handler.running.get("2")?.context.progress("half");
  await handler.finish("2");
  await handler.finish("3");
  assert.deepEqual(agent.socket.answers, ["result 1", "progress 2", "result 2"]);
  await agent.socket.stored("1", "2");
  await agent.stop();
  await agent.done;
});

Deno.test("a result that is there is sent even if its lease is lost: it may be the first", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.reconnect();
  await agent.socket.welcome();
  await agent.socket.say("relay.cancel", { lease: "1", reason: "lease_lost" });
  await agent.reconnect();
  await agent.socket.welcome();
  assert.deepEqual(agent.socket.answers, ["result 1"]);
  await agent.socket.say("relay.cancel", { lease: "1", reason: "answered" });
  await agent.stop();
  await agent.done;
});

Deno.test("several relays are tried in turn, and soon while work runs", async () => {
  const handler = new ManualHandler();
  const relayUrl = "ws://one.test, ws://two.test/x,y";
  const agent = new FakeAgent(handler.handle, { relayUrl });
  await agent.socket.welcome();
  await agent.socket.work("1");
  for (const host of ["two.test", "one.test", "two.test"]) {
    await agent.reconnect();
    assert.equal(agent.socket.url.host, host);
  }
  assert.equal(agent.socket.url.pathname, "/x,y/agent");
  agent.clock.random = () => 1;
  for (let failure = 0; failure < 10; failure++) await agent.reconnect();
  assert.equal(agent.event("unreachable")?.retryMs, 5_000);
  await agent.socket.welcome();
  await handler.finish("1");
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("work that waits for a slot is forgotten with its connection", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1", "2");
  await agent.reconnect();
  await agent.socket.welcome();
  await handler.finish("1");
  assert.deepEqual(handler.begun, ["1"]);
  await agent.socket.stored("1");
  await agent.stop();
  await agent.done;
});

Deno.test("a later attempt at work that is still running here waits for a slot", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.frame(workLine("w", "first", 1));
  await agent.reconnect();
  await agent.socket.welcome();
  await agent.socket.frame(workLine("w", "second", 2));
  assert.equal(handler.begun.length, 1);
  await handler.finish("w");
  assert.deepEqual(agent.socket.answers, ["result first"]);
  await agent.socket.stored("first");
  await agent.socket.say("relay.cancel", { lease: "second", reason: "answered" });
  await handler.finish("w");
  assert.deepEqual(agent.socket.answers, ["result first"]);
  await agent.stop();
  assert.equal(await agent.done, undefined);
});

Deno.test("a close code from 4500 rejects, aborts what runs, and is the last", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.work("1");
  const signal = handler.signal("1");
  await agent.socket.end(4500, "replaced");
  const error = await agent.done;
  assert(error instanceof ServeError);
  assert.deepEqual([error.code, error.closeCode, error.reason], [
    "closed_for_good",
    4500,
    "replaced",
  ]);
  assert.match(error.message, /ws:\/\/relay\.test\/agent was closed for good with 4500: replaced/);
  assert.equal(signal?.reason.cause, error);
  await handler.finish("1");
  await agent.clock.advance(60_000);
  assert.equal(agent.relay.sockets.length, 1);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("an HTTP status from 400 rejects, but not one that may pass", async () => {
  const agent = new FakeAgent(() => ({}), { backoffCapMs: 500 });
  for (const status of [503, 429, 408, 302, 500]) {
    await agent.socket.end(1006, "no", status);
    assert.equal(agent.event("unreachable")?.reason, `${status} no`);
    const before = agent.relay.sockets.length;
    await agent.clock.advance(500);
    assert.equal(agent.relay.sockets.length, before + 1, `tries again after ${status}`);
  }
  await agent.socket.end(1006, "role is missing", 400);
  const error = await agent.done;
  assert(error instanceof ServeError);
  assert.deepEqual([error.code, error.status], ["upgrade_refused", 400]);
  assert.equal(error.message, "Cannot connect to ws://relay.test/agent: 400 role is missing");
});

Deno.test("a server that does not speak the protocol is an error", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.open("");
  const error = await agent.done;
  assert(error instanceof ServeError);
  assert.equal(error.code, "not_a_relay");
  assert.equal(agent.socket.closed?.code, 1000);
  assert.equal(agent.clock.pending, 0);
});

Deno.test("a relay that refuses an agent does not end it while another may serve it", async () => {
  const agent = new FakeAgent(() => ({}), { relayUrl: "ws://one.test,ws://two.test" });
  const next = async () => {
    const before = agent.relay.sockets.length;
    while (agent.relay.sockets.length === before) await agent.clock.advance(1_000);
    return agent.socket.url.host;
  };
  await agent.socket.end(1006, "wrong token", 401);
  assert.equal(agent.event("unreachable")?.reason, "401 wrong token");
  assert.equal(await next(), "two.test");
  await agent.socket.end(1006);
  assert.equal(await next(), "one.test");
  await agent.socket.open("");
  assert.match(agent.event("unreachable")?.reason ?? "", /^server speaks no subprotocol/);
  assert.equal(await next(), "two.test");
  await agent.socket.welcome();
  await agent.socket.end(1006);
  assert.equal(await next(), "one.test");
  await agent.stop();
  assert.equal(await agent.done, undefined);

  const refused = new FakeAgent(() => ({}), { relayUrl: "ws://one.test,ws://two.test" });
  await refused.socket.end(1006, "no", 403);
  while (refused.relay.sockets.length === 1) await refused.clock.advance(1_000);
  await refused.socket.end(1006, "no role", 400);
  const error = await refused.done;
  assert(error instanceof ServeError);
  assert.equal(error.message, "Cannot connect to ws://two.test/agent: 400 no role");
});

Deno.test("an agent that was served goes on for two minutes of refusals, while its work runs", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle, { backoffCapMs: 1_000 });
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.socket.end(1006);
  /** One refusal a second. */
  const refuse = async (seconds: number) => {
    for (let second = 0; second < seconds && !agent.ended; second++) {
      await agent.clock.advance(1_000);
      await agent.socket.end(1006, "nothing here", 404);
    }
  };
  await refuse(120);
  assert.equal(agent.ended, false);
  await agent.clock.advance(1_000);
  await agent.socket.welcome();
  await agent.socket.end(1006);
  await refuse(120);
  assert.deepEqual([agent.ended, handler.signal("1")?.aborted], [false, false]);
  await refuse(2);
  const error = await agent.done;
  assert(error instanceof ServeError);
  assert.equal(error.message, "Cannot connect to ws://relay.test/agent: 404 nothing here");
  assert.equal(handler.signal("1")?.reason.cause, error);
  await handler.finish("1");
});

Deno.test("waits grow while connections fail, and start anew after one that lasted", async () => {
  const agent = new FakeAgent(() => ({}), { backoffBaseMs: 100, backoffCapMs: 1_000 });
  const waits: number[] = [];
  for (let failures = 0; failures < 6; failures++) {
    await agent.socket.end(1006);
    waits.push(agent.event("unreachable")?.retryMs ?? assert.fail());
    await agent.clock.advance(1_000);
  }
  assert.deepEqual(waits, [50, 100, 200, 400, 500, 500]);
  assert.equal(agent.event("unreachable")?.failures, 6);
  await agent.socket.welcome();
  await agent.socket.end(4000);
  assert.equal(agent.event("disconnected")?.retryMs, 500, "it did not last");
  await agent.clock.advance(500);
  await agent.socket.welcome();
  await agent.clock.advance(10_000);
  await agent.socket.end(4000);
  assert.equal(agent.event("disconnected")?.retryMs, 50);
  await agent.stop();
  await agent.done;
});

Deno.test("of a socket that never opens is told how long it was waited for", async () => {
  const agent = new FakeAgent(() => ({}));
  agent.socket.answersClose = false;
  await agent.clock.advance(10_000);
  await agent.socket.end(1006, "Interrupted: operation canceled");
  assert.equal(agent.event("unreachable")?.reason, "no welcome within 10000 ms");
  await agent.stop();
  await agent.done;
});

Deno.test("the agent leaves a relay that does not welcome it", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.open();
  agent.socket.answersClose = false;
  await agent.clock.advance(10_000);
  assert.equal(agent.socket.closed?.code, 4008);
  await agent.clock.advance(3_000);
  assert.equal(agent.event("unreachable")?.reason, "no welcome within 10000 ms");
  const [given] = agent.relay.sockets;
  await agent.clock.advance(500);
  await agent.socket.welcome();
  await given?.work("from the dead");
  await given?.end(4500, "late");
  assert.deepEqual(agent.socket.frames, []);
  assert.equal(agent.ended, false, "nothing that a given-up connection tells is heard");
  await agent.stop();
  await agent.done;
});

Deno.test("a relay that misses three of its heartbeats is taken for dead", async () => {
  const agent = new FakeAgent(() => ({}));
  await agent.socket.welcome({ heartbeat_seconds: 15 });
  await agent.clock.advance(44_000);
  await agent.socket.frame("");
  await agent.clock.advance(44_000);
  await agent.socket.work("1");
  await agent.socket.stored("1");
  await agent.clock.advance(44_000);
  assert.equal(agent.socket.isClosed, false);
  agent.socket.answersClose = false;
  await agent.clock.advance(5_000);
  assert.deepEqual(agent.socket.closed, { code: 4008, reason: "nothing heard for 45000 ms" });
  await agent.clock.advance(3_500);
  assert.equal(agent.relay.sockets.length, 2);
  await agent.stop();
  await agent.done;
  assert.equal(agent.clock.pending, 0);
});

Deno.test("an idle agent leaves a relay that drains, a busy one when it is done", async () => {
  const handler = new ManualHandler();
  const agent = new FakeAgent(handler.handle);
  await agent.socket.welcome();
  await agent.socket.say("relay.drain", { seconds: 25 });
  assert.equal(agent.socket.closed?.code, 1000);
  await agent.clock.advance(500);
  assert.equal(agent.relay.sockets.length, 2);
  await agent.socket.welcome();
  await agent.socket.work("1", "2");
  await agent.socket.say("relay.drain", { seconds: 25 });
  await handler.finish("1");
  await agent.socket.stored("1");
  assert.equal(agent.socket.isClosed, false, "the second still waits for its slot");
  await handler.finish("2");
  await agent.socket.stored("2");
  assert.equal(agent.socket.closed?.code, 1000);
  await agent.stop();
  await agent.done;
});

Deno.test("an event hook that throws harms nothing", async () => {
  const agent = new FakeAgent(() => ({}), {
    onEvent: () => {
      throw new Error("hook");
    },
  });
  await agent.socket.welcome();
  await agent.socket.work("1");
  await agent.socket.stored("1");
  await agent.stop();
  assert.equal(await agent.done, undefined);
});

Deno.test("a socket that cannot even be made rejects", async () => {
  const denied = new Error("no network permission");
  const agent = new FakeAgent(() => ({}), {
    openSocket: () => {
      throw denied;
    },
  });
  assert.equal(await agent.done, denied);
  await agent.stop();
  assert.equal(agent.clock.pending, 0);
});

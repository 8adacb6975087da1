import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { parseLease, WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../tests/support/mod.ts";
import { TestRelay } from "./testing/test_relay.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

Deno.test("no agent has more than its concurrency, and nothing else leaves the queue", async () => {
  await using test = await TestRelay.start();
  const [one, two] = [test.agent({ concurrency: 2 }), test.agent({ v1: true })];
  test.work(...numbers(10));
  await until(() => one.works.length === 2 && two.works.length === 1);
  const manager = await jetstreamManager(test.client.nats);
  await until(async () => (await manager.consumers.info(WORK_STREAM, "s=r")).num_pending === 7);
  assert.equal(test.relay.health().in_hand, 3);
  one.say("result", { id: one.works[0]?.id });
  await one.hasWork(3);
  assert.deepEqual([one.works.length, two.works.length], [3, 1]);
});

Deno.test("agents of one role take work in turn", async () => {
  await using test = await TestRelay.start();
  const agents = [1, 2, 3].map(() => test.agent({ concurrency: 4 }));
  test.work(...numbers(12));
  await until(() => agents.flatMap(({ works }) => works).length === 12);
  assert.deepEqual(agents.map(({ works }) => works.length), [4, 4, 4]);
});

Deno.test("work waits for an agent that comes, and for one of its own session and role", async () => {
  await using test = await TestRelay.start();
  test.work("1");
  const others = [test.agent({ session: "t" }), test.agent({ role: "q" })];
  const agent = test.agent();
  await agent.hasWork();
  for (const other of others) assert.deepEqual(other.works, []);
});

Deno.test("work that is no message becomes a dead letter, byte for byte, with an error result", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent();
  const bad: [string | Uint8Array, string, RegExp][] = [
    [new Uint8Array([0xff, 0xfe, 0x7b, 0x00]), "work-1", /message is not UTF-8/],
    ["not json\r\n\r\n{", "work-2", /message is not valid JSON/],
    ["", "work-3", /message is not valid JSON/],
    ["[1]", "work-4", /must be a JSON object, got an array/],
    ['{"id":"mine","type":"work"}', "mine", /payload must be a JSON object, got nothing/],
    ['{"id":"mine","type":7,"payload":{}}', "mine", /type must be a string/],
    [
      '{"id":"mine","type":"relay.drain","payload":{}}',
      "mine",
      /type is "relay.drain", .*reserved/,
    ],
    ['{"id":"mine","type":"agent.ask","payload":{}}', "mine", /type is "agent.ask", .*reserved/],
    ["[".repeat(200_000), "work-9", /not valid JSON/],
  ];
  for (const [data] of bad) test.publish(data);
  await test.hasWaiting(0);
  const results = await test.hasResults(bad.length);
  const dead = await test.log("dead");
  for (const [index, [data, id, why]] of bad.entries()) {
    const { type, payload } = results[index] as Record<string, Record<string, unknown>>;
    assert.deepEqual([type, results[index]?.id, payload?.code], ["error", id, "invalid_message"]);
    assert.match(String(payload?.message), why);
    assert.match(dead[index]?.header("Ourocodus-Error") ?? "", why);
    if (typeof data === "string") assert.equal(dead[index]?.text, data);
  }
  assert.equal(dead.length, bad.length);
  test.work("good");
  assert.equal((await agent.hasWork()).id, "good", "the agent's slot was not lost");
  assert.equal(agent.works.length, 1);
});

Deno.test("an agent that goes leaves its work to another at once, as the next attempt", async () => {
  await using test = await TestRelay.start({ limits: { graceMs: 0 } });
  const first = test.agent({ agentId: "first", concurrency: 3 });
  test.work("1", "2");
  await first.hasWork(2);
  const second = test.agent({ v1: true, concurrency: 3 });
  first.leave(1006, "");
  await second.hasWork(2);
  assert.deepEqual(second.works.map(({ attempt }) => attempt), [2, 2]);
  const returned = await test.hasRecorded("work.returned", 2);
  assert.deepEqual(
    returned.map(({ reason, agent_id }) => [reason, agent_id]),
    [["disconnected", "first"], ["disconnected", "first"]],
  );
  await test.hasRecorded("work.redelivered", 2);
  first.leave();
  assert.equal(test.relay.health().agents, 1);
});

Deno.test("work that no agent survives is a dead letter after as many attempts as are allowed", async () => {
  await using test = await TestRelay.start({ limits: { maxDeliver: 3 } });
  test.work("poison");
  for (let attempt = 1; attempt <= 3; attempt++) {
    const agent = test.agent({ v1: true });
    const work = await agent.hasWork();
    assert.equal(work.attempt, attempt);
    agent.say("progress", work);
    agent.leave(1006, "crashed");
  }
  await test.hasWaiting(0);
  const [result] = await test.hasResults(1);
  assert.match(
    String((result?.payload as Record<string, unknown>).message),
    /^given up after 3 attempts; the last one: disconnected, crashed$/,
  );
  assert.equal((await test.log("dead")).length, 1);
});

Deno.test("work that waits for an agent goes back when the last agent goes", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(2);
  agent.leave();
  await until(() => test.relay.health().in_hand === 0);
  const next = test.agent({ v1: true, concurrency: 2 });
  await next.hasWork(2);
  assert.deepEqual(next.works.map(({ attempt }) => attempt), [2, 2]);
});

Deno.test("the same agent connecting again replaces its older socket, another session's does not", async () => {
  await using test = await TestRelay.start();
  const old = test.agent({ agentId: "a" });
  const stranger = test.agent({ agentId: "a", session: "t" });
  test.work("1");
  await old.hasWork();
  const back = test.agent({ agentId: "a", v1: true });
  assert.equal(old.closed?.code, 4500);
  assert.equal((await back.hasWork()).attempt, 2);
  old.say("result", { id: "1" });
  assert.equal(stranger.closed, undefined);
  back.say("result", back.works[0] ?? {}, { by: "back" });
  await test.hasWaiting(0);
  assert.equal((await test.hasResults(1)).length, 1);
  const third = test.agent({ agentId: "a" });
  assert.equal(back.closed?.code, 4500);
  assert.equal(third.closed, undefined);
});

Deno.test("an agent that reads too slowly is closed, and its work goes to another", async () => {
  await using test = await TestRelay.start({ limits: { maxUnreadBytes: 100 } });
  const slow = test.agent();
  slow.unreadBytes = 101;
  test.work("1");
  await until(() => slow.closed);
  assert.deepEqual(slow.closed, {
    code: 4001,
    reason: "101 bytes wait to be read, limit is 100",
  });
  await test.agent().hasWork();
});

Deno.test("work that an agent cannot take just now goes to one that comes", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ concurrency: 2 });
  test.work("same", "same");
  await test.hasInHand(2);
  assert.equal(agent.works.length, 1);
  await test.agent().hasWork();
  assert.equal(agent.works.length, 1);
});

Deno.test("a drained agent finishes what it has and is given nothing more", async () => {
  // Work that the server hands out in the very moment in which less is asked for waits for ackWaitMs.
  await using test = await TestRelay.start({ queue: { ackWaitMs: 1_000 } });
  const agent = test.agent({ v1: true, concurrency: 2 });
  test.work("1");
  const work = await agent.hasWork();
  agent.say("drain", { id: "bye" });
  test.work("2", "3");
  agent.say("result", work);
  await test.hasResults(1);
  const other = test.agent({ concurrency: 2 });
  await other.hasWork(2);
  assert.equal(agent.works.length, 1);
  assert.deepEqual(agent.errors, []);
});

Deno.test("leases are kept alive for many times as long as they live", async () => {
  await using test = await TestRelay.start({ queue: { ackWaitMs: 300 } });
  const agent = test.agent({ v1: true, concurrency: 2 });
  test.work("long");
  const work = await agent.hasWork();
  let kept = 0;
  const watching = test.client.nats.subscribe("$JS.ACK.>", {
    callback: (_, msg) => {
      if (msg.string() === "+WPI") kept++;
    },
  });
  await until(() => kept >= 15);
  watching.unsubscribe();
  agent.say("result", work);
  await test.hasWaiting(0);
  assert.equal(agent.works.length, 1);
  assert.deepEqual(await test.recorded("work.redelivered"), []);
});

Deno.test("while NATS is away agents stay and go on, and their results are stored when it is back", async () => {
  await using test = await TestRelay.start();
  const agent = test.agent({ v1: true, concurrency: 3, confirm: true });
  test.work("1", "2");
  await agent.hasWork(2);
  await test.nats.kill();
  await until(() => test.relay.health().status === "unhealthy");
  for (const work of agent.works) agent.say("result", work);
  const late = test.agent({ v1: true, agentId: "came meanwhile" });
  assert.ok(test.relay.health().held_bytes > 0);
  assert.equal(agent.closed, undefined);
  await test.nats.start();
  await until(() => test.client.connected && test.relay.health().status === "healthy");
  await test.hasWaiting(0);
  assert.equal((await test.hasResults(2)).length, 2);
  test.work(...numbers(4));
  await until(() => agent.works.length + late.works.length === 2 + 4);
});

for (const answered of [true, false]) {
  const becomes = answered ? "refused if the work was answered elsewhere" : "stored if it was not";
  Deno.test(`a result held while NATS is away is ${becomes}`, async () => {
    await using nats = await startNats();
    await using proxy = startProxy(nats.port);
    const natsUrl = `nats://127.0.0.1:${proxy.port}`;
    await using test = await TestRelay.start({ nats, natsUrl });
    const agent = test.agent({ v1: true, confirm: true });
    test.work("1");
    const work = await agent.hasWork();
    proxy.cut();
    await until(() => test.relay.health().nats === "disconnected");
    agent.say("result", work, { by: "held" });
    if (answered) await test.answerElsewhere(parseLease(work.lease ?? "")?.work ?? "");
    proxy.heal();
    await agent.isTold(answered ? "relay.error" : "relay.stored");
    await test.hasWaiting(0);
    assert.equal((await test.results()).length, 1);
    if (answered) assert.deepEqual(agent.errors, ["duplicate"]);
  });
}

Deno.test("work whose lease ran out while NATS was away stays with its agent, and its slots are used", async () => {
  await using test = await TestRelay.start({ queue: { ackWaitMs: 300 } });
  const agent = test.agent({ v1: true, concurrency: 2 });
  test.work("long");
  const work = await agent.hasWork();
  await test.nats.kill();
  await until(() => !test.connection.connected);
  // The server counts a lease's time from its start on, and the relay's first +WPI is too late.
  const away = Date.now();
  await until(() => Date.now() - away > 400);
  await test.nats.start();
  await until(() => test.client.connected && test.connection.connected);
  test.work("next");
  const next = await agent.hasWork(2);
  assert.equal(next.id, "next");
  agent.say("result", work);
  agent.say("result", next);
  await test.hasWaiting(0);
  assert.equal((await test.hasResults(2)).length, 2);
  assert.equal(agent.works.length, 2);
});

Deno.test("more results than may be held while NATS is away are refused, events are dropped before", async () => {
  await using test = await TestRelay.start({ limits: { maxHeldBytes: 20_000 } });
  const agent = test.agent({ v1: true, concurrency: 3 });
  test.work("1", "2", "3");
  await agent.hasWork(3);
  const [one = {}, two = {}, three = {}] = agent.works;
  await test.nats.kill();
  await until(() => !test.connection.connected);
  for (let index = 0; index < 100; index++) {
    agent.say("progress", one, { text: "x".repeat(1_000) });
  }
  assert.ok(test.writer.heldBytes < 12_000, "events leave half of it to results");
  agent.say("result", one, { text: "x".repeat(5_000) });
  assert.equal(agent.connection.closed, false);
  agent.say("result", two, { text: "x".repeat(10_000) });
  assert.equal(agent.closed?.code, 4002);
  assert.match(agent.closed?.reason ?? "", /^\d+ bytes of results wait for NATS, limit is 20000$/);
  agent.say("result", three);
  await test.nats.start();
  await until(() => test.client.connected && test.connection.connected);
  const next = test.agent({ v1: true, concurrency: 3 });
  await next.hasWork(2);
  for (const work of next.works) next.say("result", work);
  await test.hasWaiting(0);
  const results = await test.hasResults(3);
  assert.deepEqual(results.map(({ id }) => id).sort(), ["1", "2", "3"]);
});

Deno.test("every role gets work again once what was held under overload is stored", async () => {
  await using test = await TestRelay.start({ limits: { maxHeldBytes: 20_000 } });
  const agent = test.agent({ v1: true });
  test.work("1");
  const work = await agent.hasWork();
  for (let index = 0; index < 20; index++) {
    agent.say("progress", work, { text: "x".repeat(1_000) });
  }
  // Both roles have a free slot in a turn that is overloaded. The next that is not, is about neither.
  agent.say("result", work);
  const other = test.agent({ v1: true, role: "other" });
  await test.hasWaiting(0);
  test.work("2");
  test.publish(JSON.stringify({ id: "3", type: "work", payload: {} }), "s", "other");
  await agent.hasWork(2);
  await other.hasWork();
});

Deno.test("a first attempt's result is refused where the second's is stored", async () => {
  await using test = await TestRelay.start();
  const late = test.agent({ v1: true });
  test.work("1");
  const first = await late.hasWork();
  late.leave();
  const now = test.agent({ v1: true, confirm: true });
  now.say("result", await now.hasWork(), { from: "now" });
  await now.isTold("relay.stored");
  await test.hasWaiting(0);
  const back = test.agent({ v1: true });
  back.say("result", first, { from: "late" });
  assert.equal((await back.isTold("relay.error")).code, "duplicate");
  assert.equal((await test.results()).length, 1);
});

Deno.test("two relays on one NATS share a role's work, and each piece is answered once", async () => {
  await using nats = await startNats();
  await using one = await TestRelay.start({ nats });
  await using two = await TestRelay.start({ nats });
  const agents = [one.agent({ v1: true, concurrency: 5 }), two.agent({ v1: true, concurrency: 5 })];
  one.work(...numbers(50));
  // Nothing is answered before both have as much as they can take: neither can be too late.
  await until(() => [one, two].every(({ relay }) => relay.health().in_hand === 5));
  let answered = 0;
  await until(() => {
    for (const agent of agents) {
      for (const work of agent.works.slice(0)) {
        if (agent.connection.find({ ...work }) !== undefined) {
          agent.say("result", work);
          answered++;
        }
      }
    }
    return answered === 50;
  });
  await one.hasWaiting(0);
  const results = await one.hasResults(50);
  assert.deepEqual(new Set(results.map(({ id }) => id)).size, 50);
  for (const agent of agents) assert.ok(agent.works.length >= 5);
});

Deno.test("health counts agents and work", async () => {
  await using test = await TestRelay.start();
  const { uptime_seconds, version, ...health } = test.relay.health();
  assert.deepEqual(health, {
    status: "healthy",
    nats: "connected",
    relay_id: test.relay.id,
    agents: 0,
    in_hand: 0,
    held_bytes: 0,
  });
  assert.ok(uptime_seconds >= 0 && version !== "");
  const agent = test.agent({ agentId: "a", concurrency: 2, v1: true });
  test.work("1");
  await agent.hasWork();
  test.agent({ session: "t" });
  assert.deepEqual([test.relay.health().agents, test.relay.health().in_hand], [2, 1]);
  const [record] = test.relay.agents({ session: "s", role: "r" });
  assert.deepEqual({ ...record, connected_at: "" }, {
    agent_id: "a",
    session_id: "s",
    role: "r",
    protocol: "ourocodus.v1",
    concurrency: 2,
    in_hand: 1,
    connected_at: "",
  });
  assert.equal(test.relay.agents({ session: "s" }).length, 1);
  assert.equal(test.relay.agents({ role: "nobody" }).length, 0);
  assert.equal(test.relay.agents().length, 2);
});

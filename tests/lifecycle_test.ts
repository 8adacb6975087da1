/** Relays that stop or die, and NATS going away under one. */
import assert from "node:assert/strict";
import { askRelays } from "@ourocodus/ops";
import { outcomeSubject, parseLease } from "@ourocodus/protocol";
import { BusClient, SocketAgent, startNats, startRelay, until } from "./support/mod.ts";

Deno.test("NATS going away leaves agents connected, and their results are stored when it is back", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  const health = async () => {
    const response = await fetch(`${relay.httpUrl}/health`);
    return { status: response.status, body: await response.json() };
  };
  await using plain = await SocketAgent.connect({
    relayUrl: relay.url,
    session: "s",
    role: "plain",
  });
  await using v1 = await SocketAgent.connect({
    relayUrl: relay.url,
    session: "s",
    role: "v1",
    v1: true,
    confirm: true,
  });
  {
    await using client = await BusClient.connect(nats.url);
    await client.send("s", "plain", "p");
    await client.send("s", "v1", "v");
    await plain.gets(1);
    await v1.gets(1);
  }
  await nats.stop();
  await until(async () => (await health()).status === 503, { message: "health to answer 503" });
  assert.equal((await health()).body.nats, "disconnected");
  plain.answer(await plain.gets(1), { from: "plain" });
  v1.answer(await v1.gets(1), { from: "v1" });
  await until(async () => (await health()).body.held_bytes > 0, { message: "results to be held" });
  await nats.restart();

  await using client = await BusClient.connect(nats.url);
  const results = await client.hasResults("s", 2);
  assert.deepEqual(results.map(({ message }) => message.payload.from).sort(), ["plain", "v1"]);
  await v1.hears("relay.stored");
  await until(async () => (await health()).status === 200, { message: "health to answer 200" });
  // The same connections go on.
  await client.send("s", "plain", "p2");
  assert.equal((await plain.gets(2)).id, "p2");
  plain.answer({ id: "p2", type: "work", payload: {} });
  await client.hasResults("s", 3);
  await until(async () => await client.waiting() === 0, { message: "the queue to be empty" });
});

Deno.test("SIGTERM lets running work finish, releases the rest and ends with 0", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  const options = { relayUrl: relay.url, session: "s", role: "r", v1: true, confirm: true };
  await using agent = await SocketAgent.connect({ ...options, concurrency: 1 });
  await using idle = await SocketAgent.connect({ ...options, role: "other" });
  await client.send("s", "r", "first");
  await client.send("s", "r", "second");
  const work = await agent.gets(1);
  const stopped = relay.stop();
  await agent.hears("relay.drain");
  assert.equal((await idle.closed).code, 4000);
  agent.answer(work, { done: true });
  await agent.hears("relay.stored");
  assert.equal((await agent.closed).code, 4000);
  assert.equal((await stopped).code, 0);

  assert.equal(agent.works.length, 1);
  assert.deepEqual((await client.results("s")).map(({ message }) => message.id), ["first"]);
  assert.equal(await client.waiting(), 1);
});

Deno.test("work that still runs at the end of DRAIN_SECONDS is released at once", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { DRAIN_SECONDS: "0.2" } });
  await using client = await BusClient.connect(nats.url);
  const options = { session: "s", role: "r", v1: true };
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...options });
  await client.send("s", "r", "w");
  await agent.gets(1);
  assert.equal((await relay.stop()).code, 0);
  await using next = await startRelay({ natsUrl: nats.url });
  await using heir = await SocketAgent.connect({ relayUrl: next.url, ...options });
  const work = await heir.gets(1);
  assert.equal(work.attempt, 2);
  const returned = await client.events("s", "work.returned");
  assert.equal(returned.length, 1);
});

Deno.test("a second signal ends a draining relay at once", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using agent = await SocketAgent.connect({
    relayUrl: relay.url,
    session: "s",
    role: "r",
    v1: true,
  });
  await client.send("s", "r", "w");
  await agent.gets(1);
  // Twice at once is one signal, as a Ctrl-C is that the terminal and a parent pass on.
  relay.process.send("SIGTERM");
  relay.process.send("SIGTERM");
  await agent.hears("relay.drain");
  assert.equal(relay.process.ended, undefined);
  assert.equal((await relay.process.insist("SIGTERM")).code, 143);
});

Deno.test("a relay killed with running work: the work is handed out again after ack_wait", async () => {
  await using nats = await startNats();
  const env = { ACK_WAIT_SECONDS: "1" };
  await using relay = await startRelay({ natsUrl: nats.url, env });
  await using client = await BusClient.connect(nats.url);
  const options = { session: "s", role: "r", v1: true };
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...options });
  await client.send("s", "r", "w");
  const first = await agent.gets(1);
  await relay.kill();
  await agent.closed;
  await using other = await startRelay({ natsUrl: nats.url, env });
  await using heir = await SocketAgent.connect({ relayUrl: other.url, ...options });
  const second = await heir.gets(1);
  // The first agent has finished meanwhile; whichever result comes first is the one.
  await using back = await SocketAgent.connect({ relayUrl: other.url, ...options, confirm: true });
  back.answer(first, { attempt: 1 });
  await back.hears("relay.stored");
  assert.equal((await heir.hears("relay.cancel")).payload.lease, second.lease);
  heir.answer(second, { attempt: 2 });
  assert.equal((await heir.hears("relay.error")).payload.code, "duplicate");

  assert.equal(second.attempt, 2);
  const results = await client.results("s");
  assert.deepEqual(results.map(({ message }) => message.payload), [{ attempt: 1 }]);
  await until(async () => (await client.events("s", "result.duplicate")).length === 1, {
    message: "the refused result to be recorded",
  });
  await client.hasNoWork();
});

Deno.test("every relay answers who is connected to it, in pages under the payload limit", async () => {
  await using nats = await startNats({ config: "max_payload: 4096" });
  await using relay = await startRelay({ natsUrl: nats.url });
  await using other = await startRelay({ natsUrl: nats.url });
  await using client = await BusClient.connect(nats.url);
  await using agents = new AsyncDisposableStack();
  for (let n = 0; n < 60; n++) {
    const relayUrl = n % 2 === 0 ? relay.url : other.url;
    const role = n < 3 ? "rare" : "common";
    agents.use(await SocketAgent.connect({ relayUrl, session: "s", role, agentId: `a${n}` }));
  }
  const all = await askRelays(client.connection, {});
  assert.equal(all.relays.length, 2);
  assert.equal(new Set(all.agents.map(({ agent_id }) => agent_id)).size, 60);
  const rare = await askRelays(client.connection, { session: "s", role: "rare" });
  assert.deepEqual(rare.agents.map(({ agent_id }) => agent_id).sort(), ["a0", "a1", "a2"]);
});

Deno.test("a relay that died between storing a result and acknowledging: the work is not handed out again", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { ACK_WAIT_SECONDS: "1" } });
  await using client = await BusClient.connect(nats.url);
  const options = { session: "s", role: "r", v1: true };
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...options });
  await client.send("s", "r", "w");
  const work = await agent.gets(1);
  await relay.kill();
  // What the relay would have stored.
  const lease = parseLease(work.lease ?? "");
  const subject = outcomeSubject("s", "r", lease?.work ?? "");
  client.connection.nats.publish(subject, '{"id":"w","type":"result"}');
  await using other = await startRelay({ natsUrl: nats.url, env: { ACK_WAIT_SECONDS: "1" } });
  await using idle = await SocketAgent.connect({ relayUrl: other.url, ...options });
  await until(async () => await client.waiting() === 0, { message: "the queue to be empty" });
  assert.equal(idle.works.length, 0);
  assert.equal((await client.results("s")).length, 1);
});

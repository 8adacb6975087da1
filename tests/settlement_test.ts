/** What attempts that end without an outcome cost, across restarts and relays. */
import assert from "node:assert/strict";
import { traceWork } from "@ourocodus/ops";
import {
  BusClient,
  type ReceivedWork,
  SocketAgent,
  startNats,
  startRelay,
  until,
} from "./support/mod.ts";

const ROLE = { session: "s", role: "r", v1: true } as const;

Deno.test("work that is put off waits for its time, whatever is restarted meanwhile", async () => {
  await using nats = await startNats();
  const env = { LEASE_GRACE_SECONDS: "0", ACK_WAIT_SECONDS: "1", MAX_DELIVER: "1" };
  const notBefore = Date.now() + 8_000;
  {
    await using relay = await startRelay({ natsUrl: nats.url, env });
    await using client = await BusClient.connect(nats.url);
    await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...ROLE, confirm: true });
    await client.send("s", "r", "a");
    const work = await agent.gets(1);
    const not_before = new Date(notBefore).toISOString();
    agent.answer(work, { reason: "limited", message: "no more tokens", not_before }, "retry");
    await agent.hears("relay.stored");
    await until(async () =>
      (await traceWork(client.connection, { id: "a" }))[0]?.not_before === not_before
    );
    const [trace] = await traceWork(client.connection, { id: "a" });
    assert.equal(trace?.note, `it is not handed out before ${not_before}: no more tokens`);
    assert.deepEqual([trace.attempts, trace.charged, trace.state], [1, 0, "waiting"]);
    await relay.kill();
  }
  await nats.kill();
  await nats.restart();
  await using relay = await startRelay({ natsUrl: nats.url, env });
  await using client = await BusClient.connect(nats.url);
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, ...ROLE });
  const work = await agent.gets(1);
  assert.ok(Date.now() > notBefore - 200, "it came in time");
  agent.answer(work);
  await client.hasResults("s", 1);
});

Deno.test("an agent that only gives work back makes no dead letter beside a healthy one", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url, env: { MAX_DELIVER: "2" } });
  await using client = await BusClient.connect(nats.url);
  const role = { relayUrl: relay.url, ...ROLE };
  await using giver = await SocketAgent.connect({ ...role, onWork: giveBack });
  await using healthy = await SocketAgent.connect(role);
  for (let number = 1; number <= 10; number++) await client.send("s", "r", `w${number}`);
  for (let number = 1; number <= 10; number++) {
    await until(() => giver.works.length >= number / 2);
    healthy.answer(await healthy.gets(number));
  }
  const results = await client.hasResults("s", 10);
  assert.deepEqual(results.map(({ message }) => message.type), Array(10).fill("result"));
});

Deno.test("work that one relay's only agent has given up is done at another relay", async () => {
  await using nats = await startNats();
  const env = { MAX_DELIVER: "2" };
  await using one = await startRelay({ natsUrl: nats.url, env });
  await using two = await startRelay({ natsUrl: nats.url, env });
  await using client = await BusClient.connect(nats.url);
  await using healthy = await SocketAgent.connect({ relayUrl: two.url, ...ROLE });
  await client.send("s", "r", "a");
  const busy = await healthy.gets(1);
  await using giver = await SocketAgent.connect({ relayUrl: one.url, ...ROLE, onWork: giveBack });
  await client.send("s", "r", "b");
  await until(async () => (await traceWork(client.connection, { id: "b" }))[0]?.charged === 2);
  healthy.answer(busy);
  healthy.answer(await healthy.gets(2));
  const results = await client.hasResults("s", 2);
  assert.deepEqual(results.map(({ message }) => message.type), ["result", "result"]);
  assert.equal(giver.works.length, 2);
});

function giveBack(work: ReceivedWork, agent: SocketAgent): void {
  agent.answer(work, {}, "retry");
}

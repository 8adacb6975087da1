/**
 * NATS that restarts, is away, unreachable, full, without its streams, or loses a leader.
 *
 * @module
 */
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { PublishError } from "@ourocodus/bus";
import { LOG_STREAM, resultsSubject, WORK_STREAM } from "@ourocodus/protocol";
import {
  Books,
  BusClient,
  freePort,
  ROOT,
  SocketAgent,
  startAgent,
  startCluster,
  startNats,
  startProcess,
  startProxy,
  startRelay,
  until,
} from "../support/mod.ts";
import { faultTest } from "./support/fault.ts";
import { Load } from "./support/load.ts";
import { Scene } from "./support/scene.ts";

const SLOW = { timeoutMs: 60_000 };
/** Work that takes this long runs while NATS is away for a moment. */
const WORK_MS = 1_000;

for (const how of ["SIGTERM", "kill -9"] as const) {
  faultTest(`nats-server restart (${how})`, async (fault) => {
    await using scene = await Scene.start({ env: { ACK_WAIT_SECONDS: "10" } });
    const { session, role, relayUrl } = scene;
    await using agent = await startAgent({ relayUrl, session, role, agentId: "a", concurrency: 4 });
    for (let n = 0; n < 20; n++) await scene.send(`w${n}`, { work_ms: n % 2 === 0 ? WORK_MS : 0 });
    await agent.waitForLine("began w0", SLOW);
    fault.strikes();
    await (how === "kill -9" ? scene.nats.kill() : scene.nats.stop());
    await scene.nats.start();
    await scene.send("new");
    fault.goesOn();
    await scene.answered(21);
    await fault.closes(scene.books);
    assert.equal(agent.stdout.match(/^connected/mg)?.length, 1);
    fault.note("the agent stayed connected; the time is until new work was taken");
  });
}

faultTest("nats-server absent for 30 s", async (fault) => {
  await using scene = await Scene.start({ env: { ACK_WAIT_SECONDS: "5" } });
  const { session, role, relayUrl } = scene;
  const agentOf = { relayUrl, session, role, concurrency: 2 };
  await using agent = await startAgent({ ...agentOf, agentId: "a" });
  for (let n = 0; n < 10; n++) await scene.send(`w${n}`, { work_ms: WORK_MS });
  await agent.waitForLine("began w1", SLOW);
  fault.strikes();
  await scene.nats.stop();
  // What runs goes on, and its results wait in the relay.
  await agent.waitForLine("finished w1", SLOW);
  await until(async () => (await scene.health()).held_bytes > 0, { message: "held results" });
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  assert.equal((await scene.health()).nats, "disconnected");
  await scene.nats.start();
  await scene.answered(3);
  fault.goesOn();
  const balance = await fault.closes(scene.books);
  assert.equal(balance.answered, 10);
  assert.equal(agent.stdout.match(/^connected/mg)?.length, 1);
  assert.equal(agent.stdout.match(/^began w0 /mg)?.length, 1);
  fault.note(
    "the agent stayed connected, its results were held: of the time, 30 s are the absence",
  );
});

faultTest("nats-server absent at start", async (fault) => {
  const port = freePort();
  const relayPort = freePort();
  const natsUrl = `nats://127.0.0.1:${port}`;
  const relayUrl = `ws://127.0.0.1:${relayPort}`;
  const env = { NATS_URL: natsUrl, PORT: String(relayPort), NATS_CONNECT_TIMEOUT: "1s" };
  await using agent = await startAgent({
    ...{ relayUrl, session: "s", role: "r", agentId: "a", wait: false },
  });
  await agent.waitForLine("unreachable", SLOW);
  fault.strikes();
  const command = ["run", "-A", `${ROOT}/relay/main.ts`];
  await using early = startProcess(Deno.execPath(), command, { env, name: "relay" });
  assert.equal((await early.status).code, 1);
  assert.match(early.stderr, new RegExp(`Cannot connect to NATS at ${natsUrl}`));
  // Whatever runs it starts it again, and the agent has waited for it all along.
  await using nats = await startNats({ port });
  await using _relay = await startRelay({ natsUrl: nats.url, port: relayPort });
  await using client = await BusClient.connect(nats.url);
  const books = new Books(client);
  await books.send("s", "r", "w");
  await client.hasResults("s", 1, SLOW.timeoutMs);
  fault.goesOn();
  await fault.closes(books);
  fault.note("the relay ends with 1 and says where it looked; agents wait for it");
}, { servers: 1 });

for (const how of ["cut", "silent"] as const) {
  faultTest(`network between relay and NATS ${how} and healed`, async (fault) => {
    await using scene = await Scene.start({ relays: 0, env: { ACK_WAIT_SECONDS: "5" } });
    const { session, role, nats, env } = scene;
    await using proxy = startProxy(nats.port);
    scene.relays.push(await startRelay({ natsUrl: `nats://127.0.0.1:${proxy.port}`, env }));
    const agentOf = { relayUrl: scene.relay.url, session, role, concurrency: 2 };
    await using agent = await startAgent({ ...agentOf, agentId: "a" });
    await scene.send("w0", { work_ms: WORK_MS });
    await scene.send("w1", { work_ms: 4 * WORK_MS });
    await agent.waitForLine("began w1", SLOW);
    fault.strikes();
    if (how === "cut") proxy.cut();
    else proxy.pause();
    for (let n = 2; n < 10; n++) await scene.send(`w${n}`);
    await agent.waitForLine("finished w0", SLOW);
    await until(async () => (await scene.health()).held_bytes > 0, { message: "a held result" });
    proxy.heal();
    await scene.answered(1);
    fault.goesOn();
    const balance = await fault.closes(scene.books);
    assert.equal(balance.answered, 10);
    for (const id of ["w0", "w1"]) {
      assert.equal(agent.stdout.match(new RegExp(`^began ${id} `, "mg"))?.length, 1);
    }
    fault.note("the agent stayed connected and worked on; its result was held");
  });
}

/** Requests that a killed leader had are missed when they would have lapsed, after half a minute. */
const ELECTION = { timeoutMs: 120_000 } as const;

faultTest("three-node NATS cluster with replicas 3 losing its leader", async (fault) => {
  await using cluster = await startCluster(3);
  const env = { OUROCODUS_REPLICAS: "3", ACK_WAIT_SECONDS: "10", NATS_CONNECT_TIMEOUT: "30s" };
  await using relay = await startRelay({ natsUrl: cluster.url, env });
  await using client = await BusClient.connect(cluster.url);
  const books = new Books(client);
  const manager = await jetstreamManager(client.connection.nats, { timeout: 20_000 });
  for (const stream of [WORK_STREAM, LOG_STREAM]) {
    const { config } = await clustered(manager, stream);
    assert.equal(config.num_replicas, 3);
  }
  const agentOf = { relayUrl: relay.url, session: "s", role: "r", concurrency: 4 };
  await using _agent = await startAgent({ ...agentOf, agentId: "a" });
  let results = 0;
  client.connection.nats.subscribe(resultsSubject("s", "r"), { callback: () => void results++ });
  const load = new Load(books, 50, () => ({ work_ms: 50 }));
  await until(() => results >= 5, { ...SLOW, message: "the first results" });
  for (const stream of [WORK_STREAM, LOG_STREAM]) {
    const { cluster: led } = await clustered(manager, stream);
    const leader = cluster.named(led?.leader ?? "");
    // Those that come are counted: while there is no leader, nobody can say what is stored.
    const before = results;
    fault.strikes();
    await leader.kill();
    await until(() => results > before + 4, { ...ELECTION, message: "results to come again" });
    if (stream === WORK_STREAM) fault.goesOn();
    await leader.start();
  }
  const sent = await load.stop();
  const balance = await fault.closes(books, 120_000);
  assert.equal(balance.answered, sent);
  fault.note("the leader of the work's stream was killed under load, then that of the log's");
}, { servers: 3 });

faultTest("stream full", async (fault) => {
  await using scene = await Scene.start({ env: { OUROCODUS_WORK_MAX_BYTES: "64KB" } });
  const { session, role, books } = scene;
  const text = "x".repeat(8_000);
  fault.strikes();
  let refused: unknown;
  while (refused === undefined) {
    const id = `w${books.booked.length}`;
    await scene.send(id, { text }).catch((error) => refused = error);
    assert.ok(books.booked.length < 20, "nothing was refused");
  }
  assert.ok(refused instanceof PublishError, String(refused));
  assert.match(refused.message, /maximum bytes|full/i);
  // What was taken is done, and then there is room again.
  await using _agent = await startAgent({ relayUrl: scene.relayUrl, session, role, agentId: "a" });
  await scene.answered(books.booked.length);
  await until(async () => await scene.client.waiting() === 0, { message: "an empty queue" });
  await scene.send("again", { text });
  fault.goesOn();
  await fault.closes(books);
  fault.note("new work is refused, its sender is told why; what was taken is done");
});

faultTest("log full", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, relayUrl } = scene;
  await using _agent = await startAgent({ relayUrl, session, role, agentId: "a" });
  await scene.send("first");
  await scene.answered(1);
  const manager = await jetstreamManager(scene.client.connection.nats);
  const { config, state } = await manager.streams.info(LOG_STREAM);
  fault.strikes();
  // It takes nothing more: no result can be stored.
  await manager.streams.update(LOG_STREAM, { ...config, max_msgs: state.messages, discard: NEW });
  await scene.send("second");
  await until(async () => (await scene.health()).held_bytes > 0, { message: "a held result" });
  await manager.streams.update(LOG_STREAM, { ...config, max_msgs: -1 });
  await scene.answered(2);
  fault.goesOn();
  await fault.closes(scene.books);
  fault.note("results are held until there is room");
});

faultTest("stream deleted under the relay", async (fault) => {
  await using scene = await Scene.start();
  const { session, role, relay, client } = scene;
  await using agent = await SocketAgent.connect({ relayUrl: relay.url, session, role });
  await scene.send("before");
  await agent.gets(1);
  const manager = await jetstreamManager(client.connection.nats);
  fault.strikes();
  await manager.streams.delete(WORK_STREAM);
  await manager.streams.delete(LOG_STREAM);
  // What ran still gets its result stored; the relay makes the streams again.
  agent.answer({ id: "before", type: "work", payload: {} });
  await until(async () => {
    const results = await client.results(session).catch(() => []);
    return results.some(({ message }) => message.id === "before");
  }, { ...SLOW, message: "the result of what ran" });
  const books = new Books(client);
  await books.send(session, "other", "after");
  await using _other = await scene.agent({ role: "other" });
  await client.hasResults(session, 2, SLOW.timeoutMs);
  await scene.send("same-role");
  assert.equal((await agent.gets(2)).id, "same-role");
  fault.goesOn();
  agent.answer({ id: "same-role", type: "work", payload: {} });
  await client.hasResults(session, 3, SLOW.timeoutMs);
  await client.hasNoWork();
  fault.lost("nothing", 3);
  fault.note("the relay made the streams again; running work kept its result (what waits, goes)");
});

faultTest(
  "nats-server kill -9 under load, before it wrote down that work is gone",
  async (fault) => {
    await using scene = await Scene.start();
    const { session, role, relayUrl, nats, client } = scene;
    const agentOf = { relayUrl, session, role, agentId: "a", concurrency: 20 };
    await using agent = await startAgent(agentOf);
    let sent = 0;
    for (let kill = 1; kill <= 3; kill++) {
      for (const end = sent + 200; sent < end; sent++) await scene.send(`w${sent}`, { work_ms: 5 });
      await scene.answered(sent - 50);
      fault.strikes();
      await nats.kill();
      await nats.start();
    }
    await scene.answered(sent);
    // A relay looks for what is left when it starts, and then every minute.
    await scene.relay.stop();
    await scene.restart(0);
    await until(async () => await client.waiting() === 0, { ...SLOW, message: "an empty queue" });
    fault.goesOn();
    await fault.closes(scene.books);
    const begun = agent.stdout.match(/^began /mg)?.length ?? 0;
    fault.note(`nothing stayed in the queue; ${begun} attempts at ${sent} work items`);
  },
);

const NEW = "new" as StreamInfo["config"]["discard"];

/** A stream's state once all of its replicas are up to date. */
async function clustered(manager: JetStreamManager, stream: string): Promise<StreamInfo> {
  return await until(async () => {
    const info = await manager.streams.info(stream).catch(() => undefined);
    const replicas = info?.cluster?.replicas ?? [];
    const current = replicas.length === 2 && replicas.every(({ current }) => current);
    return info?.cluster?.leader && current ? info : undefined;
  }, { ...SLOW, message: `all replicas of ${stream} to be current` });
}

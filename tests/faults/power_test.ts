/**
 * Power that is cut: nats-server is gone, and with it all that its disk was not made to keep.
 *
 * @module
 */
import assert from "node:assert/strict";
import { sendWork } from "@ourocodus/ops";
import { type Message, resultsSubject } from "@ourocodus/protocol";
import { Books, BusClient, startAgent, startCluster, startRelay, until } from "../support/mod.ts";
import { Disk, diskImpossible } from "./support/disk.ts";
import { faultTest } from "./support/fault.ts";
import { Scene } from "./support/scene.ts";

const SLOW = { timeoutMs: 60_000 };
const impossible = await diskImpossible();

/** The machine of a nats-server loses its power, has it again, and starts the server. */
async function cutPower(nats: Scene["nats"], disk: Disk): Promise<void> {
  // Killed first: from a disk without power, a server that lives would acknowledge nothing.
  await nats.kill();
  disk.losePower();
  await disk.hasPower();
  await nats.start();
}

/** What a nats-server needs whose store is on a disk. */
function storeOn(disk: Disk | undefined) {
  return disk && { storeDir: `${disk.folder}/store`, launcher: disk.launcher };
}

/** A scene whose nats-server has its store on a disk. */
async function sceneOn(disk: Disk, config?: string): Promise<Scene> {
  const nats = { ...storeOn(disk), config };
  return await Scene.start({ env: { ACK_WAIT_SECONDS: "5" }, nats });
}

/** Between two work items of a sender, in milliseconds: no more than the agent can do. */
const PACE_MS = 10;

/** Senders, each of which sends the next work item once its last one was acknowledged. */
class Senders {
  readonly #books: Books;
  readonly #sending: Promise<unknown>[];
  #over = false;

  constructor(books: Books, count: number) {
    this.#books = books;
    this.#sending = Array.from({ length: count }, async (_, sender) => {
      for (let n = 0; !this.#over; n++) {
        await books.send("s", "r", `w${sender}-${n}`, { work_ms: 50 });
        await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      }
    });
    for (const sending of this.#sending) sending.catch(() => {});
  }

  /** Waits until this many more work items were acknowledged. */
  async sends(count: number): Promise<void> {
    const before = this.#books.booked.length;
    await until(() => this.#books.booked.length >= before + count, {
      ...SLOW,
      message: "acknowledged work",
    });
  }

  async stop(): Promise<void> {
    this.#over = true;
    await Promise.all(this.#sending);
  }
}

faultTest("power cut under load, with sync_interval: always", async (fault) => {
  await using disk = await Disk.create();
  await using scene = await sceneOn(disk, "jetstream { sync_interval: always }");
  const { session, role, relayUrl, books, client } = scene;
  const agentOf = { relayUrl, session, role, agentId: "a", concurrency: 40 };
  await using agent = await startAgent(agentOf);
  const heard: string[] = [];
  client.connection.nats.subscribe(resultsSubject(session, role), {
    callback: (_, message) => void heard.push(message.json<Message>().id),
  });
  const senders = new Senders(books, 8);
  for (let cut = 1; cut <= 3; cut++) {
    await senders.sends(100);
    fault.strikes();
    const acknowledged = books.booked.length;
    await cutPower(scene.nats, disk);
    await until(() => books.booked.length > acknowledged, { ...SLOW, message: "new work" });
    fault.goesOn();
  }
  await senders.stop();
  await fault.closes(books);
  // Of a result that a subscriber has heard, there is no second one.
  assert.equal(new Set(heard).size, heard.length);
  await until(async () => await client.waiting() === 0, { ...SLOW, message: "an empty queue" });
  assert.equal(agent.stdout.match(/^connected/mg)?.length, 1);
  const begun = agent.stdout.match(/^began /mg)?.length ?? 0;
  fault.note(`three cuts: all that was acknowledged was there; ${begun} attempts`);
}, { impossible });

faultTest("power cut, the store forgets its last second", async (fault) => {
  await using disk = await Disk.create();
  await using scene = await sceneOn(disk);
  const { session, role, relayUrl, books, client } = scene;
  const agentOf = { relayUrl, session, role, agentId: "a", concurrency: 4 };
  await using agent = await startAgent(agentOf);
  // What the disk has: work that is done, and work that runs on.
  for (let n = 0; n < 20; n++) await scene.send(`kept${n}`);
  await scene.send("running", { work_ms: 5_000 });
  await scene.answered(20);
  await disk.writeBack();
  const last = new Books(client);
  const end = performance.now() + 1_000;
  for (let n = 0; performance.now() < end; n++) await last.send(session, role, `last${n}`);
  fault.strikes();
  await cutPower(scene.nats, disk);
  // The stream gives the forgotten sequences a second time, to this work.
  const anew = Array.from({ length: 20 }, (_, n) => `new${n}`);
  for (const id of anew) await sendWork(client.connection, { session, role, id, payload: {} });
  await until(async () => {
    const results = await client.results(session);
    return anew.every((id) => results.some(({ message }) => message.id === id));
  }, { ...SLOW, message: "results of the new work" });
  fault.goesOn();
  await until(async () => await client.waiting() === 0, { ...SLOW, message: "an empty queue" });
  const results = (await client.results(session)).map(({ message }) => message.id);
  const count = (id: string) => results.filter((one) => one === id).length;
  for (const { id } of books.booked) assert.equal(count(id), 1, `results of ${id}`);
  for (const id of anew) assert.equal(count(id), 1, `results of ${id}`);
  const forgotten = last.booked.filter(({ id }) => count(id) === 0);
  assert.deepEqual(last.booked.filter(({ id }) => count(id) > 1), []);
  assert.equal(agent.stdout.match(/^began running /mg)?.length, 1);
  assert.equal(agent.stdout.match(/^connected/mg)?.length, 1);
  const sent = last.booked.length;
  const lost = forgotten.length === 0 ? "nothing" : `${forgotten.length} of its last second`;
  fault.lost(lost, books.booked.length + sent + anew.length);
  fault.note(
    `by default, what was acknowledged in the last seconds may be forgotten: ` +
      `here ${forgotten.length} of ${sent}; all else has one result`,
  );
}, { impossible });

faultTest("power cut of one of three nats-servers, under load", async (fault) => {
  await using stack = new AsyncDisposableStack();
  const disks: Disk[] = [];
  for (let n = 0; n < 3; n++) disks.push(stack.use(await Disk.create()));
  const nats = (server: number) => storeOn(disks[server]);
  await using cluster = await startCluster(3, { nats });
  const env = { OUROCODUS_REPLICAS: "3", ACK_WAIT_SECONDS: "5", NATS_CONNECT_TIMEOUT: "30s" };
  await using relay = await startRelay({ natsUrl: cluster.url, env });
  await using client = await BusClient.connect(cluster.url);
  const books = new Books(client);
  const agentOf = { relayUrl: relay.url, session: "s", role: "r", concurrency: 40 };
  await using _agent = await startAgent({ ...agentOf, agentId: "a" });
  const senders = new Senders(books, 8);
  for (const [index, server] of cluster.servers.entries()) {
    await senders.sends(100);
    await cluster.hasLeaders();
    fault.strikes();
    const disk = disks[index];
    assert.ok(disk !== undefined);
    await cutPower(server, disk);
    await cluster.isCurrent();
    fault.goesOn();
  }
  await senders.stop();
  await fault.closes(books, 120_000);
  fault.note("each in turn, by default: what the others have is not lost");
}, { impossible, servers: 3 });

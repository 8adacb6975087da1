import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { startNats, startProxy, type TestNats, until } from "../tests/support/mod.ts";
import { connect, type Connection } from "./connection.ts";
import type { Delivery, RoleQueue } from "./role_queue.ts";
import { readStored } from "./stored_message.ts";
import { ensureStreams, WORK_STREAM } from "./streams.ts";
import { workSubject } from "./subjects.ts";
import { WorkQueue, type WorkQueueOptions } from "./work_queue.ts";

const WAKE = "wake";

/** A role's queue, and what it delivers. */
class TestQueue implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  readonly problems: string[] = [];
  readonly role: RoleQueue;
  #woken = false;

  private constructor(
    readonly queue: WorkQueue,
    readonly connection: Connection,
    readonly client: Connection,
    readonly manager: JetStreamManager,
    role: string,
  ) {
    this.role = queue.open("s", role, {
      onWork: (delivery) => {
        if (delivery.text === WAKE) {
          this.#woken = true;
          client.nats.publish(delivery.lease.subject, "+ACK");
        } else this.deliveries.push(delivery);
      },
      onProblem: (reason) => this.problems.push(reason),
    });
  }

  static async start(
    nats: TestNats,
    options: WorkQueueOptions & { readonly port?: number; readonly role?: string } = {},
  ): Promise<TestQueue> {
    const { port = nats.port, role = "r", ...queueOptions } = options;
    const connection = await connect({ url: `127.0.0.1:${port}` });
    const client = await connect({ url: nats.url });
    await ensureStreams(client);
    const manager = await jetstreamManager(client.nats);
    const queue = new WorkQueue(connection, queueOptions);
    const test = new TestQueue(queue, connection, client, manager, role);
    // A role sleeps until there is work.
    test.publish(WAKE);
    test.role.want(1);
    await until(() => test.#woken, { message: "the role to wake" });
    await until(async () => (await test.workInfo()).messages === 0);
    assert.equal(test.role.outstanding, 0);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.queue.close();
    await this.connection.close();
    await this.client.close();
  }

  publish(...texts: string[]): void {
    for (const text of texts) this.client.nats.publish(workSubject("s", this.role.role), text);
  }

  get texts(): (string | undefined)[] {
    return this.deliveries.map(({ text }) => text);
  }

  async hasCome(count: number): Promise<void> {
    await until(() => this.deliveries.length >= count, { message: `${count} deliveries` });
  }

  /** Everything that was published before has been offered: a marker to another role has come. */
  async settled(): Promise<void> {
    await this.client.nats.flush();
    await this.connection.nats.flush();
    await this.info();
    await this.connection.nats.flush();
  }

  async workInfo() {
    return (await this.manager.streams.info(WORK_STREAM)).state;
  }

  /** The consumer, as the server sees it; throws while there is none. */
  async info() {
    return await this.manager.consumers.info(WORK_STREAM, `s=${this.role.role}`);
  }

  async hasConsumer(): Promise<void> {
    await until(() => this.info().catch(() => false), { message: "the consumer" });
  }

  /** As many deliveries as the server thinks are asked for. */
  async hasAsked(count: number): Promise<void> {
    await until(() => this.role.outstanding === count, { message: `${count} outstanding` });
  }
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

Deno.test("exactly as much is delivered as is wanted, in order, and nothing before", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.publish(...numbers(10));
  await test.hasConsumer();
  await test.settled();
  assert.equal((await test.info()).num_pending, 10, "nothing has left the queue");
  test.role.want(3);
  await test.hasCome(3);
  await test.settled();
  assert.deepEqual(test.texts, ["0", "1", "2"]);
  assert.equal(test.role.outstanding, 0);
  assert.equal((await test.info()).num_ack_pending, 3);
  test.role.want(1);
  test.role.want(1);
  await test.hasCome(4);
  await test.settled();
  assert.deepEqual(test.texts, ["0", "1", "2", "3"]);
});

Deno.test("wanting the same again asks for nothing more, and what was asked for comes later", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  for (let count = 0; count < 50; count++) test.role.want(2);
  await test.hasAsked(2);
  for (let count = 0; count < 50; count++) test.role.want(2);
  assert.equal(test.role.outstanding, 2);
  test.publish(...numbers(5));
  await test.hasCome(2);
  await test.settled();
  assert.deepEqual(test.texts, ["0", "1"]);
});

Deno.test("wanting less drops what was asked for: nothing is delivered into the void", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(5);
  await test.hasAsked(5);
  await test.hasConsumer();
  test.role.want(0);
  assert.equal(test.role.outstanding, 0);
  await test.connection.nats.flush();
  test.publish(...numbers(3));
  await test.settled();
  assert.deepEqual(test.texts, []);
  await until(async () => (await test.info()).num_ack_pending === 0);
  test.role.want(1);
  await test.hasCome(1);
  assert.deepEqual(test.texts, ["0"]);
});

Deno.test("deliveries say which attempt they are, and what is given back comes again", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.publish("a");
  test.role.want(1);
  await test.hasCome(1);
  test.queue.giveBack(test.deliveries[0]?.lease.subject ?? "");
  test.role.want(1);
  await test.hasCome(2);
  test.queue.giveBack(test.deliveries[1]?.lease.subject ?? "", 50);
  test.role.want(1);
  await test.hasCome(3);
  assert.deepEqual(test.deliveries.map(({ lease }) => lease.attempt), [1, 2, 3]);
  assert.equal(new Set(test.deliveries.map(({ lease }) => lease.work)).size, 1);
});

Deno.test("a lease names the message in the stream, to the nanosecond", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.publish(...numbers(300));
  test.role.want(300);
  await test.hasCome(300);
  await Promise.all(test.deliveries.map(async ({ lease, text }) => {
    const stored = await readStored(test.client, WORK_STREAM, lease.sequence);
    assert.equal(`${stored?.sequence}.${stored?.timeNs}`, lease.work);
    assert.equal(new TextDecoder().decode(stored?.data), text);
  }));
});

Deno.test("what is not UTF-8 is delivered as such", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.client.nats.publish(workSubject("s", "r"), new Uint8Array([0x7b, 0xff, 0x7d]));
  test.role.want(1);
  await test.hasCome(1);
  assert.deepEqual(test.texts, [undefined]);
});

Deno.test("an abandoned lease comes again, one that is kept alive does not, by whomever", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { ackWaitMs: 300 });
  test.publish("kept", "abandoned");
  test.role.want(2);
  await test.hasCome(2);
  const other = new WorkQueue(test.client);
  const kept = test.deliveries[0]?.lease.subject ?? "";
  const keeper = setInterval(() => other.keepAlive(kept), 50);
  try {
    test.role.want(2);
    for (const attempt of [2, 3, 4]) {
      await test.hasCome(attempt + 1);
      test.role.want(2);
    }
    assert.deepEqual(test.texts, ["kept", "abandoned", "abandoned", "abandoned", "abandoned"]);
  } finally {
    clearInterval(keeper);
    await other.close();
  }
});

Deno.test("a pull request that expires is repeated for exactly what is missing", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { pullExpiresMs: 200 });
  let statuses = 0;
  const counting = test.client.nats.subscribe("_INBOX.>", {
    callback: (_, msg) => {
      if (msg.headers?.code === 408) statuses++;
    },
  });
  test.role.want(3);
  await test.hasAsked(3);
  test.publish("a");
  await test.hasCome(1);
  test.role.want(2);
  await until(() => statuses >= 3, { message: "several requests to expire" });
  await test.hasAsked(2);
  test.publish(...numbers(10));
  await test.hasCome(3);
  await test.settled();
  assert.equal(test.deliveries.length, 3);
  assert.deepEqual(test.problems, []);
  counting.unsubscribe();
});

Deno.test("a consumer that is deleted underneath is made again", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(2);
  await test.hasAsked(2);
  await test.hasConsumer();
  const { created } = await test.info();
  // The server deletes it, but fails to remove its folder if it writes there at this moment.
  await test.manager.consumers.delete(WORK_STREAM, "s=r").catch(() => {});
  test.publish(...numbers(3));
  await test.hasCome(2);
  await test.settled();
  assert.deepEqual(test.texts, ["0", "1"]);
  assert.notEqual((await test.info()).created, created);
});

Deno.test("a stream that is deleted and made again is worked on as soon as it is there", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(1);
  await test.hasAsked(1);
  await test.hasConsumer();
  await test.manager.streams.delete(WORK_STREAM);
  await until(() => test.problems.length > 0);
  assert.match(test.problems[0] ?? "", /s=r/);
  await ensureStreams(test.client);
  test.publish("a", "b");
  await test.hasCome(1);
  assert.deepEqual(test.texts, ["a"]);
});

Deno.test("what was asked for while the stream was gone is asked for again when told", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const queue = new WorkQueue(connection);
  const deliveries: Delivery[] = [];
  const role = queue.open("s", "r", {
    onWork: (delivery) => deliveries.push(delivery),
    onProblem: () => {},
  });
  const manager = await jetstreamManager(connection.nats);
  connection.nats.publish(workSubject("s", "r"), "before");
  await until(() => manager.consumers.info(WORK_STREAM, "s=r").catch(() => undefined));
  await connection.nats.flush();
  await manager.streams.delete(WORK_STREAM);
  role.want(1);
  await connection.nats.flush();
  await ensureStreams(connection);
  connection.nats.publish(workSubject("s", "r"), "a");
  queue.remake();
  await until(() => deliveries.length === 1);
  await queue.close();
});

Deno.test("a role that is opened before its stream is there works once it is", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const queue = new WorkQueue(connection);
  const deliveries: Delivery[] = [];
  const problems: string[] = [];
  const role = queue.open("s", "r", {
    onWork: (delivery) => deliveries.push(delivery),
    onProblem: (reason) => problems.push(reason),
  });
  role.want(1);
  await until(() => problems.length > 0);
  assert.match(problems[0] ?? "", /^Cannot make consumer s=r: stream not found$/);
  await ensureStreams(connection);
  connection.nats.publish(workSubject("s", "r"), "a");
  await until(() => deliveries.length === 1);
  await queue.close();
});

Deno.test("work goes on when the server restarts, with what is wanted then", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(2);
  await test.hasAsked(2);
  await nats.kill();
  await until(() => !test.connection.connected);
  assert.equal(test.role.outstanding, 0);
  test.role.want(1);
  await nats.start();
  await until(() => test.client.connected);
  test.publish(...numbers(3));
  await test.hasCome(1);
  await test.settled();
  assert.deepEqual(test.texts, ["0"]);
});

Deno.test("after a lost connection nothing is delivered for what was asked before", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestQueue.start(nats, { port: proxy.port });
  test.role.want(5);
  await test.hasAsked(5);
  proxy.cut();
  await until(() => !test.connection.connected);
  test.role.want(1);
  proxy.heal();
  await until(() => test.connection.connected);
  test.publish(...numbers(5));
  await test.hasCome(1);
  await test.settled();
  assert.deepEqual(test.texts, ["0"]);
  assert.equal((await test.info()).num_ack_pending, 1);
});

Deno.test("a consumer is kept while its role is open but wants nothing, and goes when nobody has it", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { inactiveMs: 2_500 });
  test.publish("a", "b");
  test.role.want(1);
  await test.hasCome(1);
  const { created } = await test.info();
  const lease = test.deliveries[0]?.lease.subject ?? "";
  const unused = new WorkQueue(test.client, { inactiveMs: 300 });
  const role = unused.open("s", "unused", { onWork: () => {}, onProblem: () => {} });
  test.client.nats.publish(workSubject("s", "unused"), "c");
  const there = () =>
    test.manager.consumers.info(WORK_STREAM, "s=unused").then(() => true, () => false);
  await until(there);
  await role.close();
  await until(async () => !await there(), { message: "the unused consumer to go" });
  await unused.close();
  // A few touches later it is still the first one, and its attempt still in hand.
  const asked = test.connection.nats.stats().outMsgs;
  await until(() => test.connection.nats.stats().outMsgs >= asked + 2, { message: "two touches" });
  assert.deepEqual((await test.info()).created, created);
  assert.deepEqual(test.texts, ["a"]);
  test.queue.giveBack(lease);
  test.role.want(2);
  await test.hasCome(3);
  assert.deepEqual(test.deliveries.map(({ lease }) => lease.attempt).sort(), [1, 1, 2]);
});

Deno.test("the consumer of a role that is not needed goes soon, but not while there is work", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  const day = (await test.info()).config.inactive_threshold ?? 0;
  assert.ok(day >= 86_400e9);
  const again = () =>
    test.queue.open("s", "r", {
      onWork: () => {},
      onProblem: (reason) => test.problems.push(reason),
    });
  test.publish("in hand");
  test.role.want(1);
  await test.hasCome(1);
  await test.role.close(true);
  assert.equal((await test.info()).config.inactive_threshold, day, "it counts attempts");
  const role = again();
  await until(async () => (await test.info()).num_waiting === 0 && test.role.outstanding === 0);
  test.client.nats.publish(test.deliveries[0]?.lease.subject ?? "", "+ACK");
  await until(async () => (await test.workInfo()).messages === 0);
  role.want(1);
  await until(async () => (await test.info()).num_waiting === 1);
  await role.close(true);
  const soon = (await test.info()).config.inactive_threshold ?? 0;
  assert.ok(soon <= 600e9, `${soon} ns`);
  test.publish("more");
  again().want(1);
  await until(async () => (await test.info()).num_ack_pending === 1);
  assert.equal((await test.info()).config.inactive_threshold, day, "it is needed again");
  assert.deepEqual(test.problems, []);
});

Deno.test("roles have their consumers as soon as they open, unless many do at once", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { ahead: 3 });
  for (const role of ["1", "2", "3", "4"]) {
    test.queue.open("s", role, { onWork: () => {}, onProblem: () => {} }).want(1);
  }
  await until(async () => (await test.workInfo()).consumer_count === 3);
  await test.settled();
  assert.equal((await test.workInfo()).consumer_count, 3);
});

Deno.test("a role that had no work for a while sleeps, and its consumer goes; with work in hand it does not", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { sleepMs: 200 });
  const threshold = async () => (await test.info()).config.inactive_threshold ?? 0;
  const day = await threshold();
  test.publish("long");
  test.role.want(2);
  await test.hasCome(1);
  let looks = 0;
  const { nats: client } = test.connection;
  const request = client.request.bind(client);
  client.request = (subject, ...rest) => {
    if (subject.includes(".DIRECT.GET.")) looks++;
    return request(subject, ...rest);
  };
  await until(() => looks >= 2, { message: "two looks for work" });
  assert.equal(await threshold(), day, "it counts the attempts of what is in hand");
  assert.equal(test.role.outstanding, 1);
  test.client.nats.publish(test.deliveries[0]?.lease.subject ?? "", "+ACK");
  await until(async () => await threshold() < day, { message: "the consumer to be let go" });
  assert.equal((await test.info()).num_waiting, 0);
  test.publish("a", "b", "c");
  await test.hasCome(2);
  assert.equal(await threshold(), day, "it is needed again");
  test.role.want(2);
  await test.hasCome(4);
  assert.deepEqual(test.texts, ["long", "a", "b", "c"]);
  assert.deepEqual(test.deliveries.map(({ lease }) => lease.attempt), [1, 1, 1, 1]);
  assert.deepEqual(test.problems, []);
});

Deno.test("a role that wakes while its consumer is being let go keeps it", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { sleepMs: 200 });
  const day = (await test.info()).config.inactive_threshold;
  test.role.want(1);
  const { nats: client } = test.connection;
  const request = client.request.bind(client);
  let looks = 0;
  client.request = async (subject, ...rest) => {
    const answer = await request(subject, ...rest);
    // Twice before it sleeps, and once more before it lets the consumer go.
    if (subject.includes(".DIRECT.GET.") && ++looks === 3) {
      test.publish("meanwhile");
      await test.hasCome(1);
    }
    return answer;
  };
  await test.hasCome(1);
  await test.settled();
  assert.equal((await test.info()).config.inactive_threshold, day);
  assert.deepEqual(test.problems, []);
});

Deno.test("a role without work has no consumer, until work comes or was there before", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { ahead: 0 });
  const got: string[] = [];
  const open = (role: string) =>
    test.queue.open("s", role, {
      onWork: ({ text }) => got.push(text ?? ""),
      onProblem: (reason) => test.problems.push(reason),
    }).want(1);
  const consumers = async () => (await test.workInfo()).consumer_count;
  open("later");
  // What was asked before is answered before.
  await test.settled();
  assert.equal(await consumers(), 1);
  test.client.nats.publish(workSubject("s", "later"), "1");
  await until(() => got.length === 1);
  test.client.nats.publish(workSubject("s", "before"), "2");
  await test.client.nats.flush();
  open("before");
  await until(() => got.length === 2);
  assert.equal(await consumers(), 3);
  assert.deepEqual([got, test.problems], [["1", "2"], []]);
});

Deno.test("a role that is asleep soon finds work that it has not heard of", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { ahead: 0 });
  const { nats: client } = test.connection;
  const subscribe = client.subscribe.bind(client);
  const subject = workSubject("s", "deaf");
  // As if the server had stored the work after the role looked, but had it before the role listened.
  client.subscribe = (name, options) =>
    subscribe(name === subject ? `${subject}.deaf` : name, options);
  const got: string[] = [];
  test.queue.open("s", "deaf", {
    onWork: ({ text }) => got.push(text ?? ""),
    onProblem: (reason) => test.problems.push(reason),
  }).want(1);
  await test.settled();
  test.client.nats.publish(subject, "1");
  await until(() => got.length === 1);
  assert.deepEqual(test.problems, []);
});

Deno.test("a role that may not listen for work finds it all the same", async () => {
  const denied =
    'authorization { users: [{ user: u, password: p, permissions: { subscribe: ["_INBOX.>"] } }, { user: c, password: p }] }';
  await using nats = await startNats({ config: denied });
  await using connection = await connect({ url: nats.url.replace("//", "//u:p@") });
  await using client = await connect({ url: nats.url.replace("//", "//c:p@") });
  await ensureStreams(client);
  const queue = new WorkQueue(connection, { ahead: 0 });
  const got: string[] = [];
  queue.open("s", "r", { onWork: ({ text }) => got.push(text ?? ""), onProblem: () => {} }).want(1);
  await client.nats.flush();
  await connection.nats.flush();
  client.nats.publish(workSubject("s", "r"), "1");
  await until(() => got.length === 1);
  await queue.close();
});

Deno.test("many roles with the longest names are served at once", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { role: "r".repeat(64), creations: 4 });
  const session = "s".repeat(64);
  const got: string[] = [];
  const roles = numbers(100).map((number) => number.padStart(64, "_"));
  for (const role of roles) {
    const queue = test.queue.open(session, role, {
      onWork: ({ text }) => got.push(text ?? ""),
      onProblem: (reason) => test.problems.push(reason),
    });
    queue.want(1);
    test.client.nats.publish(workSubject(session, role), role);
  }
  await until(() => got.length === 100);
  assert.deepEqual(got.sort(), roles.sort());
  assert.deepEqual(test.problems, []);
});

Deno.test("a closed role delivers what was on its way and nothing after", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(1);
  await test.hasAsked(1);
  await test.hasConsumer();
  await test.role.close();
  test.publish("a");
  await test.settled();
  assert.deepEqual(test.texts, []);
  test.role.want(5);
  await test.settled();
  assert.deepEqual(test.texts, []);
});

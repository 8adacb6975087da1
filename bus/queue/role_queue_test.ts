import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { readStored } from "../stored_message.ts";
import { ensureStreams } from "../streams.ts";
import { TestQueue } from "../testing/test_queue.ts";
import type { Delivery } from "./role_queue.ts";
import { WorkQueue } from "./work_queue.ts";

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
  const { outMsgs } = test.connection.nats.stats();
  for (let count = 0; count < 50; count++) test.role.want(2);
  assert.equal(test.role.outstanding, 2);
  assert.equal(test.connection.nats.stats().outMsgs, outMsgs);
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

Deno.test("deliveries say which attempt they are, and what is released comes again", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.publish("a");
  test.role.want(1);
  await test.hasCome(1);
  test.queue.release(test.deliveries[0]?.lease.subject ?? "");
  test.role.want(1);
  await test.hasCome(2);
  test.queue.release(test.deliveries[1]?.lease.subject ?? "", 50);
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
  const keeper = setInterval(() => other.extend(kept), 50);
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
  await test.removeConsumer();
  test.publish(...numbers(3));
  await test.hasCome(2);
  await test.settled();
  assert.deepEqual(test.texts, ["0", "1"]);
  assert.notEqual((await test.info()).created, created);
});

Deno.test("a consumer that went while nothing was wanted is made again when something is", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats);
  test.role.want(0);
  await test.removeConsumer();
  test.publish(...numbers(2));
  test.role.want(1);
  await test.hasCome(1);
  await test.settled();
  assert.deepEqual(test.texts, ["0"]);
});

Deno.test("a consumer that is gone without a word is made again when its silence shows it", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { pullExpiresMs: 200 });
  const { connection } = test;
  const subscribe = connection.subscribe.bind(connection);
  // What has no reply is no work, but the end of a request.
  connection.subscribe = (subject, hear) =>
    subscribe(subject, (error, msg) => error || msg.reply ? hear(error, msg) : undefined);
  test.role.want(2);
  test.role.want(1);
  await test.removeConsumer();
  test.publish(...numbers(2));
  await test.hasCome(1, 30_000);
  assert.deepEqual(test.texts, ["0"]);
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

for (const told of [true, false]) {
  const when = told ? "when told" : "when nothing is heard of it";
  Deno.test(`what was asked for while the stream was gone is asked for again ${when}`, async () => {
    await using nats = await startNats();
    await using connection = await connect({ url: nats.url });
    await ensureStreams(connection);
    const queue = new WorkQueue(connection, told ? {} : { heartbeatMs: 250 });
    const deliveries: Delivery[] = [];
    const role = queue.open(new RoleId("s", "r"), {
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
    if (told) queue.remake();
    await until(() => deliveries.length === 1);
    await queue.close();
  });
}

Deno.test("a request that waits is not repeated while the server says so", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { heartbeatMs: 250 });
  let [asked, heartbeats] = [0, 0];
  test.client.nats.subscribe("$JS.API.CONSUMER.*.>", { callback: () => void asked++ });
  test.client.nats.subscribe("_INBOX.>", {
    callback: (_, { headers }) => {
      if (headers?.code === 100) heartbeats++;
    },
  });
  await test.client.nats.flush();
  test.role.want(1);
  // Four of them are longer than the sweeps would have to wait.
  await until(() => heartbeats >= 12);
  assert.equal(asked, 1);
  test.publish("a");
  await test.hasCome(1);
});

Deno.test("a role that is opened before its stream is there works once it is", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const queue = new WorkQueue(connection);
  const deliveries: Delivery[] = [];
  const problems: string[] = [];
  const role = queue.open(new RoleId("s", "r"), {
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

Deno.test("many roles with the longest names are served at once", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { role: "r".repeat(64), creations: 4 });
  const session = "s".repeat(64);
  const got: string[] = [];
  const roles = numbers(100).map((number) => number.padStart(64, "_"));
  for (const role of roles) {
    const queue = test.queue.open(new RoleId(session, role), {
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

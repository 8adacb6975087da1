/** When a role has a consumer, and when it has none. */
import assert from "node:assert/strict";
import { RoleId, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { startNats, until } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { ensureStreams } from "../streams.ts";
import { TestQueue } from "../testing/test_queue.ts";
import { WorkQueue } from "./work_queue.ts";

Deno.test("a consumer is kept while its role is open but wants nothing, and goes when nobody has it", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { inactiveMs: 2_500 });
  test.publish("a", "b");
  test.role.want(1);
  await test.hasCome(1);
  const { created } = await test.info();
  const lease = test.deliveries[0]?.lease.subject ?? "";
  const unused = new WorkQueue(test.client, { inactiveMs: 300 });
  const role = unused.open(new RoleId("s", "unused"), { onWork: () => {}, onProblem: () => {} });
  test.client.nats.publish(workSubject("s", "unused"), "c");
  const there = () =>
    test.manager.consumers.info(WORK_STREAM, "s=unused").then(() => true, () => false);
  await until(there);
  await role.close();
  await until(async () => !await there(), { message: "the unused consumer to go" });
  await unused.close();
  // A few touches later it is still the first one, and its attempt still runs.
  const asked = test.connection.nats.stats().outMsgs;
  await until(() => test.connection.nats.stats().outMsgs >= asked + 2, { message: "two touches" });
  assert.deepEqual((await test.info()).created, created);
  assert.deepEqual(test.texts, ["a"]);
  test.queue.release(lease);
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
    test.queue.open(new RoleId("s", "r"), {
      onWork: () => {},
      onProblem: (reason) => test.problems.push(reason),
    });
  test.publish("running");
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
    test.queue.open(new RoleId("s", role), { onWork: () => {}, onProblem: () => {} }).want(1);
  }
  await until(async () => (await test.workInfo()).consumer_count === 3);
  await test.settled();
  assert.equal((await test.workInfo()).consumer_count, 3);
});

Deno.test("a role that had no work for a while sleeps, and its consumer goes; with running work it does not", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { sleepMs: 200 });
  const threshold = async () => (await test.info()).config.inactive_threshold ?? 0;
  const day = await threshold();
  test.publish("long");
  test.role.want(2);
  await test.hasCome(1);
  let looks = 0;
  const { connection } = test;
  const request = connection.request.bind(connection);
  connection.request = (subject, ...rest) => {
    if (subject.includes(".DIRECT.GET.")) looks++;
    return request(subject, ...rest);
  };
  await until(() => looks >= 2, { message: "two looks for work" });
  assert.equal(await threshold(), day, "it counts the attempts of what runs");
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
  const { connection } = test;
  const request = connection.request.bind(connection);
  let looks = 0;
  let meanwhile: Promise<void> | undefined;
  connection.request = async (subject, ...rest) => {
    const answer = await request(subject, ...rest);
    // Twice before it sleeps, and once more before it lets the consumer go.
    if (subject.includes(".DIRECT.GET.") && ++looks === 3) {
      test.publish("meanwhile");
      await (meanwhile = test.hasCome(1));
    }
    return answer;
  };
  await test.hasCome(1);
  await meanwhile;
  await test.settled();
  assert.equal((await test.info()).config.inactive_threshold, day);
  assert.deepEqual(test.problems, []);
});

Deno.test("a role without work has no consumer, until work comes or was there before", async () => {
  await using nats = await startNats();
  await using test = await TestQueue.start(nats, { ahead: 0 });
  const got: string[] = [];
  const open = (role: string) =>
    test.queue.open(new RoleId("s", role), {
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
  test.queue.open(new RoleId("s", "deaf"), {
    onWork: ({ text }) => got.push(text ?? ""),
    onProblem: (reason) => test.problems.push(reason),
  }).want(1);
  await test.settled();
  test.client.nats.publish(subject, "1");
  await until(() => got.length === 1);
  assert.deepEqual(test.problems, []);
});

Deno.test("a role that may not listen for work finds it anyway", async () => {
  const denied =
    'authorization { users: [{ user: u, password: p, permissions: { subscribe: ["_INBOX.>"] } }, { user: c, password: p }] }';
  await using nats = await startNats({ config: denied });
  await using connection = await connect({ url: nats.url.replace("//", "//u:p@") });
  await using client = await connect({ url: nats.url.replace("//", "//c:p@") });
  await ensureStreams(client);
  const queue = new WorkQueue(connection, { ahead: 0 });
  const got: string[] = [];
  queue.open(new RoleId("s", "r"), {
    onWork: ({ text }) => got.push(text ?? ""),
    onProblem: () => {},
  }).want(1);
  await client.nats.flush();
  await connection.nats.flush();
  client.nats.publish(workSubject("s", "r"), "1");
  await until(() => got.length === 1);
  await queue.close();
});

import assert from "node:assert/strict";
import { eventsSubject, LOG_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { ensureStreams } from "../streams.ts";
import { SUBJECT, TestWriter } from "../testing/test_writer.ts";
import { LogWriter } from "./log_writer.ts";

const UTF8 = new TextEncoder();

Deno.test("what one turn brings is stored once, with its data, headers and identity", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  for (let index = 0; index < 1_000; index++) test.append(`id-${index}`, "x".repeat(index % 50));
  const stored = await test.writer.store({
    subject: SUBJECT,
    data: UTF8.encode("last"),
    id: "last",
    headers: { "Ourocodus-Reason": "ü, why" },
  });
  assert.deepEqual(stored, { kind: "stored" });
  assert.equal(test.writer.heldBytes, 0);
  const ids = await test.ids();
  assert.equal(ids.length, 1_001);
  assert.equal(new Set(ids).size, 1_001);
  const message = await test.manager.streams.getMessage(LOG_STREAM, {
    seq: ids.indexOf("last") + 1,
  });
  assert.equal(message?.header.get("Ourocodus-Reason"), "ü, why");
});

Deno.test("entries are held while NATS is away, and each is stored once when it is back", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  const total = 6_000;
  let next = 0;
  const feed = setInterval(() => {
    for (let count = 0; count < 50 && next < total; count++) test.append(`id-${next++}`);
  }, 1);
  try {
    await until(() => test.settled.size > 500);
    await nats.kill();
    await until(() => next === total, { message: "all to be appended" });
    assert.ok(test.writer.heldBytes > 0);
    await nats.start();
  } finally {
    clearInterval(feed);
  }
  await test.writer.idle();
  assert.equal(test.settled.size, total);
  for (const [id, { kind }] of test.settled) assert.equal(kind, "stored", id);
  const ids = await test.ids();
  assert.equal(ids.length, total);
  assert.equal(new Set(ids).size, total);
});

Deno.test("entries are stored once through a connection that breaks again and again", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestWriter.start(nats, { port: proxy.port });
  let next = 0;
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 1_000; count++) test.append(`id-${next++}`);
    test.writer.flush();
    proxy.cut();
    for (let count = 0; count < 100; count++) test.append(`id-${next++}`);
    await until(() => !test.connection.connected);
    proxy.heal();
    await until(() => test.connection.connected);
  }
  await test.writer.idle();
  for (const [id, { kind }] of test.settled) assert.equal(kind, "stored", id);
  const ids = await test.ids();
  assert.deepEqual([ids.length, new Set(ids).size, test.settled.size], [3_300, 3_300, 3_300]);
});

Deno.test("a quarter of a million entries held at once overflow nothing", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestWriter.start(nats, { port: proxy.port });
  const data = UTF8.encode("{}");
  for (let index = 0; index < 250_000; index++) {
    test.writer.append({ subject: SUBJECT, data, id: `id-${index}` });
  }
  proxy.cut();
  test.writer.flush();
  await until(() => !test.connection.connected);
  assert.equal(test.writer.heldBytes, 500_000);
  assert.deepEqual(test.problems, []);
});

Deno.test("a message that is not fenced and sent again is stored once", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  const store = () => test.writer.store({ subject: SUBJECT, data: "{}", id: "a" });
  assert.deepEqual(await Promise.all([store(), store()]), [{ kind: "stored" }, { kind: "stored" }]);
  assert.deepEqual(await test.ids(), ["a"]);
});

Deno.test("an entry larger than NATS takes is refused, and the others stored", async () => {
  await using nats = await startNats({ config: "max_payload: 2048" });
  await using test = await TestWriter.start(nats);
  test.append("a");
  test.append("large", "x".repeat(2_048));
  test.append("b");
  await test.writer.idle();
  assert.deepEqual([test.kind("a"), test.kind("b")], ["stored", "stored"]);
  const refused = test.settled.get("large");
  assert.match(
    refused?.kind === "refused" ? refused.reason : "",
    /^message is 20\d\d bytes, limit is 2048$/,
  );
});

Deno.test("an entry larger than the stream takes is refused, wherever it stands in its turn", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.update(LOG_STREAM, { max_msg_size: 500 });
  for (const [round, at] of [0, 2, 4].entries()) {
    for (let index = 0; index < 5; index++) {
      test.append(`${round}-${index}`, "x".repeat(index === at ? 600 : 100));
    }
    await test.writer.idle();
    for (let index = 0; index < 5; index++) {
      assert.equal(test.kind(`${round}-${index}`), index === at ? "refused" : "stored");
    }
  }
  assert.equal((await test.ids()).length, 12);
});

Deno.test("an entry too large by its headers is refused, and one with more data stored", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.update(LOG_STREAM, { max_msg_size: 300 });
  const long = "i".repeat(150);
  test.append(long, "x".repeat(150));
  test.append("short", "x".repeat(200));
  await test.writer.idle();
  assert.deepEqual([test.kind(long), test.kind("short")], ["refused", "stored"]);
  assert.deepEqual(await test.ids(), ["short"]);
});

Deno.test("entries wait for a stream that is away, are reported, and stored when it is made again", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.delete(LOG_STREAM);
  for (const id of ["a", "b", "c"]) test.append(id);
  await until(() => test.problems.length > 0);
  assert.match(test.problems[0] ?? "", /^Cannot store in OUROCODUS_LOG: no stream takes it$/);
  assert.deepEqual([test.settled.size, test.problems.length], [0, 1]);
  assert.equal(test.writer.trouble, test.problems[0]);
  await ensureStreams(test.client);
  await test.writer.idle();
  assert.equal(test.writer.trouble, undefined);
  assert.deepEqual((await test.ids()).sort(), ["a", "b", "c"]);
  test.append("d", "d");
  assert.equal(test.writer.trouble, undefined, "what is held now has had no trouble");
});

Deno.test("what others than JetStream answer stores nothing, and harms nobody", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestWriter.start(nats, { port: proxy.port });
  // Without a stream, all that is answered is somebody else's.
  await test.manager.streams.delete(LOG_STREAM);
  let answered = 0;
  test.client.subscribe(SUBJECT, (_, msg) => {
    const [none, another] = ['{"stream":"OUROCODUS_LOG"}', '{"stream":"ANOTHER","seq":1}'];
    for (const text of ["hi", "", "{}", "null", "[]", none, another]) msg.respond(text);
    answered++;
  });
  await test.client.nats.flush();
  for (const id of ["one", "two", "three"]) test.append(id);
  await until(() => answered === 3);
  await test.client.nats.flush();
  await test.connection.nats.flush();
  assert.equal(test.settled.size, 0);
  await ensureStreams(test.client);
  proxy.cut();
  await until(() => !test.connection.connected);
  proxy.heal();
  await test.writer.idle();
  assert.deepEqual([...test.settled.values()].map(({ kind }) => kind), [
    "stored",
    "stored",
    "stored",
  ]);
  assert.deepEqual(await test.ids(), ["one", "two", "three"]);
});

Deno.test("entries that nobody acknowledges are reported, and stored by sending them again", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.delete(LOG_STREAM);
  // Without somebody who listens, there would be an answer.
  const heard = test.client.nats.subscribe(SUBJECT);
  await test.client.nats.flush();
  for (const id of ["one", "two"]) test.append(id);
  await until(() => heard.getReceived() === 2);
  await ensureStreams(test.client);
  await until(() => test.settled.size === 2);
  assert.match(test.problems.join(), /^Cannot store in OUROCODUS_LOG: no acknowledgement within /);
  assert.deepEqual((await test.ids()).sort(), ["one", "two"]);
});

Deno.test("an entry that this client may not publish harms none of those that it may", async () => {
  await using nats = await startNats({
    config: `authorization { users: [
      { user: "any", password: "any" }
      { user: "some", password: "some", permissions: { publish: { deny: "sessions.denied.>" } } }
    ] }`,
  });
  await using client = await connect({ url: nats.url, user: "any", password: "any" });
  await ensureStreams(client);
  await using connection = await connect({ url: nats.url, user: "some", password: "some" });
  const writer = new LogWriter(connection);
  const settled: string[] = [];
  const append = (id: string, session: string, size: number) => {
    writer.append({
      subject: eventsSubject(session),
      data: new Uint8Array(size),
      id,
      onSettled: ({ kind }) => settled.push(`${id} ${kind}`),
    });
  };
  append("1", "allowed", 10);
  append("2", "denied", 10);
  append("3", "allowed", 20);
  await until(() => settled.length >= 2);
  assert.deepEqual(settled.sort(), ["1 stored", "3 stored"]);
  assert.equal(writer.heldBytes, 10);
  writer.close();
});

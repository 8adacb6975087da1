import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { eventsSubject, LOG_STREAM, outcomeSubject, WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, type TestNats, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import { publishStored } from "../publish_ack.ts";
import { ensureStreams } from "../streams.ts";
import type { Stored } from "./log_entry.ts";
import { LogWriter } from "./log_writer.ts";
import { OutcomeLookup } from "./outcome_lookup.ts";

const SUBJECT = eventsSubject("s");
const UTF8 = new TextEncoder();

/** A writer, and what it reports. */
class TestWriter implements AsyncDisposable {
  readonly problems: string[] = [];
  readonly settled = new Map<string, Stored>();
  private constructor(
    readonly nats: TestNats,
    readonly connection: Connection,
    readonly client: Connection,
    readonly manager: JetStreamManager,
    readonly writer: LogWriter,
  ) {}

  static async start(
    nats: TestNats,
    { port = nats.port }: { readonly port?: number } = {},
  ): Promise<TestWriter> {
    const connection = await connect({ url: `127.0.0.1:${port}` });
    const client = await connect({ url: nats.url });
    await ensureStreams(client);
    const manager = await jetstreamManager(client.nats);
    const onProblem = (reason: string) => test.problems.push(reason);
    const writer = new LogWriter(connection, { onProblem });
    const test: TestWriter = new TestWriter(nats, connection, client, manager, writer);
    return test;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.writer.close();
    await this.connection.close();
    await this.client.close();
  }

  append(id: string, text = id): void {
    this.writer.append({
      subject: SUBJECT,
      data: UTF8.encode(text),
      id,
      onSettled: (stored) => {
        assert.ok(!this.settled.has(id), `${id} is settled twice`);
        this.settled.set(id, stored);
      },
    });
  }

  kind(id: string): string | undefined {
    return this.settled.get(id)?.kind;
  }

  async stored(): Promise<number> {
    return (await this.manager.streams.info(LOG_STREAM)).state.messages;
  }

  /** Every identity in the log, in order. */
  async ids(): Promise<string[]> {
    await until(() => this.client.connected);
    const consumer = `${this.client.nats.info?.client_id}`;
    const ids: string[] = [];
    const subscription = this.client.nats.subscribe(`ids.${consumer}`, {
      callback: (_, msg) => {
        ids.push(msg.headers?.get("Nats-Msg-Id") ?? "");
      },
    });
    await this.manager.consumers.add(LOG_STREAM, {
      deliver_subject: `ids.${consumer}`,
      ack_policy: "none",
      deliver_policy: "all",
    });
    const count = await this.stored();
    await until(() => ids.length >= count, { message: `${count} messages` });
    subscription.unsubscribe();
    return ids;
  }
}

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

const WORK = "7.1795459357920106100";
const OUTCOME = outcomeSubject("s", "r", WORK);
/** The other one is a first attempt's result. */
const DUPLICATE = { kind: "duplicate", accepted: { sequence: 1, attempt: 1, outcome: undefined } };

/** Stores an outcome of the same work item. */
function storeOutcome(writer: LogWriter, data: string, id = WORK): Promise<Stored> {
  return writer.store({ subject: OUTCOME, data, id, fenced: true });
}

Deno.test("of two outcomes in one turn the first is stored, and the second a duplicate, also of the same text", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  const [first, second, same] = ["first", "second", "first"].map((data) =>
    storeOutcome(test.writer, data)
  );
  test.append("between");
  assert.deepEqual(await first, { kind: "stored" });
  assert.deepEqual(await second, DUPLICATE);
  assert.deepEqual(await same, DUPLICATE);
  assert.deepEqual((await test.ids()).sort(), [WORK, "between"]);
});

Deno.test("a second outcome is refused beyond the duplicate window, for as long as the log has the first", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  await test.manager.streams.update(LOG_STREAM, { duplicate_window: 100e6 });
  assert.deepEqual(await storeOutcome(test.writer, "first"), { kind: "stored" });
  // That the window is over is seen by another message: its identity counts as new.
  const again = { subject: SUBJECT, data: "again", id: "again" };
  await until(async () => {
    await test.writer.store(again);
    return await test.stored() >= 3;
  });
  assert.deepEqual(await storeOutcome(test.writer, "second"), DUPLICATE);
  await test.manager.streams.deleteMessage(LOG_STREAM, 1);
  assert.deepEqual(await storeOutcome(test.writer, "third"), { kind: "stored" });
});

Deno.test("outcomes that two connections store at once are one", async () => {
  await using nats = await startNats();
  await using one = await TestWriter.start(nats);
  await using other = await TestWriter.start(nats);
  for (let round = 0; round < 50; round++) {
    const work = `${round + 1}.1795459357920106100`;
    const subject = outcomeSubject("s", "r", work);
    const both = await Promise.all(
      [one, other].map(({ writer }, index) =>
        writer.store({ subject, data: `${index}`, id: work, fenced: true })
      ),
    );
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ["duplicate", "stored"]);
  }
  assert.equal(await one.stored(), 50);
});

Deno.test("an outcome whose acknowledgement is lost is stored, and no duplicate of itself", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using test = await TestWriter.start(nats, { port: proxy.port });
  const stored = storeOutcome(test.writer, "mine");
  test.writer.flush();
  await until(async () => await test.stored() === 1 || proxy.cut());
  proxy.cut();
  await until(() => !test.connection.connected);
  proxy.heal();
  assert.deepEqual(await stored, { kind: "stored" });
  assert.equal(await test.stored(), 1);
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

Deno.test("an outcome whose identity a copy of work has taken is stored all the same, and once", async () => {
  await using nats = await startNats();
  await using test = await TestWriter.start(nats);
  for (const id of [WORK, `${WORK}.d`]) {
    await publishStored(test.client, "sessions.x.work.y", "{}", {
      headers: { "Nats-Msg-Id": id },
      stream: WORK_STREAM,
      timeoutMs: 5_000,
    });
  }
  await until(async () => await test.stored() === 2);
  assert.deepEqual(await storeOutcome(test.writer, "first"), { kind: "stored" });
  assert.equal((await storeOutcome(test.writer, "second")).kind, "duplicate");
  const letter = { subject: "sessions.s.dead.r", data: "{}", id: `${WORK}.d` };
  assert.deepEqual(await test.writer.store(letter), { kind: "stored" });
  const { state } = await test.manager.streams.info(LOG_STREAM, { subjects_filter: ">" });
  assert.deepEqual(state.subjects, {
    "sessions.x.stored.y": 2,
    [OUTCOME]: 1,
    "sessions.s.dead.r": 1,
  });
  const asked = { session: "s", role: "r", work: WORK, storedAtMs: Date.now() };
  const accepted = await new OutcomeLookup(test.client).find(asked);
  assert.deepEqual(accepted, { sequence: 3, attempt: 1, outcome: undefined });
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

import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import fc from "fast-check";
import {
  deadSubject,
  eventsSubject,
  LOG_STREAM,
  outcomeSubject,
  outcomeSubjects,
  sessionSubjects,
} from "@ourocodus/protocol";
import { freePort, startNats, startProxy, until } from "../../tests/support/mod.ts";
import { connect, type Connection } from "../connection.ts";
import { StreamError } from "../nats_errors.ts";
import { ensureStreams } from "../streams.ts";
import { lastLogSequence, readLog } from "./log_reader.ts";
import type { LogRecord } from "./log_record.ts";
import type { ReadOptions } from "./stream_view.ts";

const SUBJECT = deadSubject("s", "r");

/** Stores messages in the log, in order, and waits until they are there. */
async function fill(connection: Connection, subjects: Iterable<string>): Promise<void> {
  let sequence = await lastLogSequence(connection);
  for (const subject of subjects) connection.nats.publish(subject, `${++sequence}`);
  await stored(connection, sequence);
}

async function stored(connection: Connection, sequence: number): Promise<void> {
  await until(async () => await lastLogSequence(connection) >= sequence, {
    message: `message ${sequence} to be stored`,
  });
}

async function read(
  connection: Connection,
  subject: string | readonly string[],
  options: ReadOptions = {},
): Promise<LogRecord[]> {
  return await Array.fromAsync(readLog(connection, subject, options));
}

async function sequences(
  connection: Connection,
  subject: string,
  options: ReadOptions = {},
): Promise<number[]> {
  return (await read(connection, subject, options)).map(({ sequence }) => sequence);
}

async function consumers(connection: Connection): Promise<number> {
  const manager = await jetstreamManager(connection.nats);
  return (await manager.streams.info(LOG_STREAM)).state.consumer_count;
}

Deno.test("readLog gives an outcome with its subject's parts, its work and its time", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const before = Date.now();
  const header = headers();
  header.set("Nats-Msg-Id", "its own");
  const subject = outcomeSubject("s", "r", "42.1795459357920106100");
  connection.nats.publish(subject, '{"id":"ü"}', { headers: header });
  connection.nats.publish("sessions.s.events", "{}");
  await stored(connection, 2);
  const [result] = await read(connection, outcomeSubjects("s", "*"));
  const { time, header: headerOf, ...rest } = result ?? assert.fail("no record");
  assert.deepEqual(rest, {
    sequence: 1,
    subject,
    kind: "results",
    session: "s",
    role: "r",
    text: '{"id":"ü"}',
    messageId: "its own",
    work: {
      ...{ sequence: 42, storedAt: new Date(1795459357920) },
      identity: "42.1795459357920106100",
    },
    pending: 0,
  });
  assert.equal(headerOf("Nats-Msg-Id"), "its own");
  assert.equal(headerOf("Nats-None"), undefined);
  assert(Math.abs(time.getTime() - before) < 60_000, time.toISOString());
  const [event] = await read(connection, eventsSubject("*"));
  assert.deepEqual([event?.kind, event?.role, event?.work], ["events", undefined, undefined]);
});

Deno.test("messages whose texts hold none of what is wanted are passed over", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, Array<string>(1_200).fill(SUBJECT));
  const holding = ["99", "120"];
  assert.deepEqual(
    await sequences(connection, SUBJECT, { holding, fromSequence: 996 }),
    [996, 997, 998, 999, 1099, 1120, 1199, 1200],
  );
  assert.deepEqual(await sequences(connection, SUBJECT, { holding: ["none"] }), []);
  assert.deepEqual(await sequences(connection, SUBJECT, { holding, last: 2 }), [1199, 1200]);
  assert.deepEqual(await sequences(connection, SUBJECT, { holding: ["1199"], last: 1 }), []);
});

Deno.test("the last N are exactly the last N, no matter who else wrote to the log", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const subjects = ["sessions.s.dead.r", "sessions.s.dead.other", "sessions.t.dead.r"];
  const log: string[] = [];
  const entry = fc.tuple(fc.constantFrom(...subjects), fc.integer({ min: 1, max: 3_000 }));
  const filter = fc.constantFrom(...subjects, "sessions.s.dead.*", sessionSubjects("s"));
  const part = fc.record({
    runs: fc.array(entry, { maxLength: 3 }),
    filter,
    last: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 5_000 })),
  });
  await fc.assert(
    fc.asyncProperty(part, async ({ runs, filter, last }) => {
      const added = runs.flatMap(([subject, times]) => Array<string>(times).fill(subject));
      await fill(connection, added);
      log.push(...added);
      const wanted = log.flatMap((subject, index) =>
        subject === filter || (/[*>]$/.test(filter) && subject.startsWith(filter.slice(0, -1)))
          ? [index + 1]
          : []
      );
      const got = await sequences(connection, filter, { last });
      assert.deepEqual(got, last === 0 ? [] : wanted.slice(-last));
    }),
    { numRuns: 30 },
  );
  assert.equal(await consumers(connection), 0);
});

Deno.test("reading begins at a time or a sequence, and last counts from the end of that", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, Array(20).fill(SUBJECT));
  const all = await read(connection, SUBJECT);
  // Two messages may have the same millisecond, so the one to begin with is another's first.
  await until(() => Date.now() > (all.at(-1)?.time.getTime() ?? 0) + 1);
  await fill(connection, Array(10).fill(SUBJECT));
  const [later] = await read(connection, SUBJECT, { fromSequence: 21 });
  assert.equal(later?.sequence, 21);
  const since = later?.time;
  assert.deepEqual(await sequences(connection, SUBJECT, { since, last: 3 }), [28, 29, 30]);
  assert.equal((await sequences(connection, SUBJECT, { since, last: 30 })).length, 10);
  assert.equal((await sequences(connection, SUBJECT, { since })).length, 10);
  assert.deepEqual(await sequences(connection, SUBJECT, { since: new Date(Date.now() + 1e6) }), []);
  assert.deepEqual(await sequences(connection, SUBJECT, { fromSequence: 29 }), [29, 30]);
  assert.deepEqual(await sequences(connection, SUBJECT, { fromSequence: 31 }), []);
});

Deno.test("pages before a sequence give each message once, no matter who else wrote to the log", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const subjects = Array.from(
    { length: 500 },
    (_, n) => n % 3 === 0 ? SUBJECT : "sessions.x.events",
  );
  await fill(connection, subjects);
  const pages: number[][] = [];
  let before: number | undefined;
  do {
    const page = await sequences(connection, SUBJECT, { last: 20, before });
    if (page.length === 0) break;
    pages.unshift(page);
    before = page[0];
  } while (pages.length < 100);
  assert.deepEqual(pages.flat(), await sequences(connection, SUBJECT));
  assert.deepEqual(pages.slice(1).map(({ length }) => length), Array(8).fill(20));
  assert.deepEqual(await sequences(connection, SUBJECT, { before: 8 }), [1, 4, 7]);
  assert.deepEqual(await sequences(connection, SUBJECT, { last: 5, before: 1 }), []);
  assert.deepEqual(await sequences(connection, SUBJECT, { last: 1, before: 10_000 }), [499]);
  assert.throws(() => readLog(connection, SUBJECT, { before: 5, follow: true }), RangeError);
});

Deno.test("messages near the payload's limit are read, more of them than fit a batch", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const big = "x".repeat(1_000_000);
  for (let n = 0; n < 15; n++) connection.nats.publish(SUBJECT, big);
  await stored(connection, 15);
  const records = await read(connection, SUBJECT);
  assert.deepEqual(records.map(({ text }) => text.length), Array(15).fill(1_000_000));
});

Deno.test("following goes on with what comes, and with last 0 gives nothing else", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, Array(5).fill(SUBJECT));
  const got: number[] = [];
  for await (const { sequence } of readLog(connection, SUBJECT, { last: 2, follow: true })) {
    got.push(sequence);
    if (sequence === 5) await fill(connection, ["sessions.other.dead.r", SUBJECT]);
    if (sequence === 7) break;
  }
  assert.deepEqual(got, [4, 5, 7]);
  const news = readLog(connection, SUBJECT, { last: 0, follow: true })[Symbol.asyncIterator]();
  const next = news.next();
  await until(async () => await consumers(connection) === 1);
  await fill(connection, [SUBJECT]);
  assert.equal((await next).value?.sequence, 8);
  await news.return?.();
  assert.equal(await consumers(connection), 0);
});

Deno.test("reading from the sequence after lastLogSequence misses nothing stored meanwhile", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, [SUBJECT]);
  const end = await lastLogSequence(connection);
  await fill(connection, [SUBJECT]);
  assert.deepEqual(await sequences(connection, SUBJECT, { fromSequence: end + 1 }), [2]);
});

Deno.test("following survives nats-server's end and restart, without gap or repeat", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const total = 6_000;
  await fill(connection, Array(total / 3).fill(SUBJECT));
  const got: number[] = [];
  for await (const { sequence } of readLog(connection, SUBJECT, { last: 100, follow: true })) {
    got.push(sequence);
    if (sequence === total / 3 - 50) {
      await nats.kill();
      await nats.start();
      await until(() => connection.connected);
      await fill(connection, Array(total / 3).fill(SUBJECT));
    }
    if (sequence === total / 3 * 2) {
      await nats.restart();
      await until(() => connection.connected);
      await fill(connection, Array(total / 3).fill(SUBJECT));
    }
    if (sequence === total) break;
  }
  const first = total / 3 - 99;
  assert.deepEqual(got, Array.from({ length: total - first + 1 }, (_, n) => first + n));
});

Deno.test("reading survives a connection that is cut again and again, without gap or repeat", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using connection = await connect({ url: `nats://127.0.0.1:${proxy.port}` });
  await ensureStreams(connection);
  await fill(connection, Array(5_000).fill(SUBJECT));
  for (const follow of [false, true]) {
    const got: number[] = [];
    for await (const { sequence } of readLog(connection, SUBJECT, { follow })) {
      got.push(sequence);
      if (sequence % 1_700 === 0) {
        proxy.cut();
        proxy.heal();
      }
      if (sequence === 5_000) break;
    }
    assert.deepEqual(got, Array.from({ length: 5_000 }, (_, n) => n + 1));
  }
});

Deno.test("following goes on when its consumer is removed on the server", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection.nats);
  await fill(connection, [SUBJECT]);
  const got: number[] = [];
  for await (const { sequence } of readLog(connection, SUBJECT, { follow: true })) {
    got.push(sequence);
    if (sequence === 3) break;
    for (const { name } of await Array.fromAsync(manager.consumers.list(LOG_STREAM))) {
      await manager.consumers.delete(LOG_STREAM, name);
    }
    await fill(connection, [SUBJECT]);
  }
  assert.deepEqual(got, [1, 2, 3]);
});

Deno.test("an aborted signal ends the reading without an error, and leaves nothing behind", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, [SUBJECT]);
  const abort = new AbortController();
  const got: number[] = [];
  const { signal } = abort;
  for await (const { sequence } of readLog(connection, SUBJECT, { follow: true, signal })) {
    got.push(sequence);
    setTimeout(() => abort.abort());
  }
  assert.deepEqual(got, [1]);
  assert.equal(await consumers(connection), 0);
  assert.deepEqual(await read(connection, SUBJECT, { follow: true, signal }), []);
});

Deno.test("following ends when the connection is closed", async () => {
  await using nats = await startNats();
  const connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await fill(connection, [SUBJECT]);
  let got = 0;
  for await (const _ of readLog(connection, SUBJECT, { follow: true })) {
    got++;
    setTimeout(() => connection.close());
  }
  assert.equal(got, 1);
});

Deno.test("no log is an error that says who makes it", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await assert.rejects(read(connection, SUBJECT), (error) => {
    assert(error instanceof StreamError);
    assert.match(error.message, /stream not found\. A relay makes it/);
    return true;
  });
  const signal = AbortSignal.timeout(10_000);
  await assert.rejects(read(connection, SUBJECT, { follow: true, signal }), StreamError);
  await assert.rejects(lastLogSequence(connection), StreamError);
});

Deno.test("reading what is there fails if NATS is away for too long", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await nats.kill();
  await until(() => !connection.connected);
  await assert.rejects(read(connection, SUBJECT, { timeoutMs: 100 }), /away for 100 ms/);
});

Deno.test("numbers that make no sense are refused", () => {
  const nowhere = {} as Connection;
  assert.throws(() => readLog(nowhere, SUBJECT, { last: -1 }), /last is -1/);
  assert.throws(() => readLog(nowhere, SUBJECT, { last: 1.5 }), /last is 1.5/);
  assert.throws(() => readLog(nowhere, SUBJECT, { fromSequence: 0 }), /fromSequence is 0/);
});

Deno.test("a server that is cut off from its cluster is not believed how long the log is", async () => {
  const config = `cluster { name: one, listen: "127.0.0.1:${freePort()}" }`;
  await using nats = await startNats({ jetstream: false, config });
  await using connection = await connect({ url: nats.url });
  await using server = await connect({ url: nats.url });
  const state = { first_seq: 1, last_seq: 7, messages: 7 };
  const cluster = { name: "one", leader: "" };
  server.subscribe(`$JS.API.STREAM.INFO.${LOG_STREAM}`, (_, msg) => {
    msg.respond(JSON.stringify({ config: { name: LOG_STREAM }, state, cluster }));
  });
  await server.nats.flush();
  await assert.rejects(lastLogSequence(connection), /Cannot read stream .*: it has no leader/);
  cluster.leader = "one";
  assert.equal(await lastLogSequence(connection), 7);
});

Deno.test("a consumer that was given to a dead server is made again, on another", async () => {
  await using nats = await startNats({ jetstream: false });
  await using connection = await connect({ url: nats.url });
  await using server = await connect({ url: nats.url });
  const state = { first_seq: 1, last_seq: 7, messages: 7 };
  server.subscribe(`$JS.API.STREAM.INFO.${LOG_STREAM}`, (_, msg) => {
    msg.respond(JSON.stringify({ config: { name: LOG_STREAM }, state }));
  });
  const names: string[] = [];
  server.subscribe("$JS.API.CONSUMER.CREATE.>", (_, msg) => {
    const { config: { name } } = msg.json<{ config: { name: string } }>();
    names.push(name);
    if (names.length < 3) return;
    msg.respond(JSON.stringify({ name, stream_name: LOG_STREAM, num_pending: 0, config: {} }));
  });
  await server.nats.flush();
  assert.deepEqual(await read(connection, SUBJECT), []);
  assert.equal(new Set(names).size, 3);
});

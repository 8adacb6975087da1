import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import fc from "fast-check";
import { connect, type Connection, ensureStreams, PublishError, readStored } from "@ourocodus/bus";
import { invalidId, LOG_STREAM, WORK_STREAM } from "@ourocodus/protocol";
import { startNats, startProxy, until } from "../tests/support/mod.ts";
import { type Work, workMessageId } from "./prepare_work.ts";
import type { SentWork } from "./send_options.ts";
import { sendAllWork, sendWork } from "./send_work.ts";
import { takenIds } from "./taken_ids.ts";

const TARGET = { session: "s", role: "r" };

async function messagesIn(connection: Connection, stream = WORK_STREAM): Promise<number> {
  const manager = await jetstreamManager(connection.nats);
  return (await manager.streams.info(stream)).state.messages;
}

function* numbered(from: number, to: number): Generator<Work> {
  for (let n = from; n < to; n++) yield { ...TARGET, id: `id-${n}`, payload: { n } };
}

Deno.test("sendWork stores a message of type work, and makes the streams if there are none", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const sent = await sendWork(connection, { ...TARGET, id: "a", payload: { message: "hello" } });
  const subject = "sessions.s.work.r";
  assert.deepEqual(sent, { id: "a", subject, sequence: 1, duplicate: false, known: false });
  const stored = await readStored(connection, WORK_STREAM, 1);
  assert.equal(stored?.subject, subject);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(stored?.data)), {
    id: "a",
    type: "work",
    payload: { message: "hello" },
  });
});

Deno.test("sendWork stores the text of a whole message as it is", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const text = '{ "id":"ü 1", "type":"work", "payload":{}, "big":12345678901234567890 }';
  const { sequence } = await sendWork(connection, { ...TARGET, id: "ü 1", text });
  const stored = await readStored(connection, WORK_STREAM, sequence);
  assert.equal(new TextDecoder().decode(stored?.data), text);
});

Deno.test("the same id is stored once for a session and role, and reported with its sequence", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const work = { ...TARGET, id: "same", payload: {} };
  const first = await sendWork(connection, work);
  const again = await sendWork(connection, work);
  const elsewhere = await sendWork(connection, { ...work, role: "other" });
  assert.deepEqual([first.duplicate, again.duplicate, elsewhere.duplicate], [false, true, false]);
  assert.equal(again.sequence, first.sequence);
  assert.equal(await messagesIn(connection), 2);
});

Deno.test("the same id with another message is refused, also right after the first", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const work = { ...TARGET, id: "same" };
  const text = '{"id":"same","type":"work","payload":{"a":1,"b":[12345678901234567890]}}';
  const first = await sendWork(connection, { ...work, text });
  const refused = { name: "PublishError", sequence: first.sequence, message: /another message/ };
  const others = [
    text.replace('"a":1', '"a":2'),
    text.replace("67890]", "67891]"),
    text.replace('"a":1', '"a":"1"'),
    text.replace('"work"', '"review"'),
    text.replace("}}", '},"more":null}'),
  ];
  await Promise.all(
    others.map((text) => assert.rejects(sendWork(connection, { ...work, text }), refused)),
  );
  // What says the same is the same, however it is written.
  const same = '{ "payload":{"b":[12345678901234567890],"a":1},\n"type":"work","id":"same" }';
  const again = await sendWork(connection, { ...work, text: same });
  assert.deepEqual([again.duplicate, again.sequence], [true, first.sequence]);
  assert.equal(await messagesIn(connection), 1);
});

Deno.test("an id whose message the log does not have any more is refused, as its result could be another's", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const work = { ...TARGET, id: "same", payload: {} };
  await sendWork(connection, work);
  await until(async () => await messagesIn(connection, LOG_STREAM) === 1);
  await (await jetstreamManager(connection.nats)).streams.purge(LOG_STREAM);
  await assert.rejects(sendWork(connection, work), { message: /the log does not have/ });
  // Its own first publication, whose acknowledgement was lost, is no other message.
  const known = { id: "same", sequence: 1, fingerprint: "", duplicate: false };
  assert.equal((await takenIds(connection, TARGET, [known])).size, 0);
  const first = { ...known, duplicate: true };
  assert.deepEqual([...(await takenIds(connection, TARGET, [known, first])).keys()], [first]);
});

Deno.test("what others than JetStream answer is not taken for storing, and streams are made anyway", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  other.subscribe("sessions.>", (_, msg) => {
    for (const text of ["hi", "{}", "null", '{"seq":1}']) msg.respond(text);
  });
  await other.nats.flush();
  const sent: number[] = [];
  const summary = await sendAllWork(connection, numbered(0, 100), {
    onSent: (_, { sequence }) => sent.push(sequence),
  });
  const counts = { stored: 100, duplicates: 0, failed: 0, unconfirmed: 0 };
  assert.deepEqual(summary, { ...counts, stopped: undefined });
  assert.equal(new Set(sent).size, 100);
  assert.equal(await messagesIn(connection), 100);
});

Deno.test("every session, role and id has a Nats-Msg-Id of its own that is safe in a header", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,5}$/);
  const id = fc.string({ unit: "binary", minLength: 1, maxLength: 5 })
    .filter((text) => invalidId(text) === undefined);
  const triple = fc.tuple(name, name, id);
  fc.assert(fc.property(triple, triple, (one, other) => {
    const [a, b] = [workMessageId(...one), workMessageId(...other)];
    assert.match(a, /^[\x21-\x7e]+$/);
    assert.equal(a === b, JSON.stringify(one) === JSON.stringify(other));
  }));
});

Deno.test("work larger than the server takes is refused before it is published, with size and limit", async () => {
  await using nats = await startNats({ config: "max_payload: 2048\n" });
  await using connection = await connect({ url: nats.url });
  const send = (bytes: number) =>
    sendWork(connection, { ...TARGET, id: "a", payload: { text: "x".repeat(bytes) } });
  const around = JSON.stringify({ id: "a", type: "work", payload: { text: "" } }).length;
  const header = "NATS/1.0\r\nNats-Msg-Id: s.r.a\r\n\r\n".length;
  await assert.rejects(send(2048 - around - header + 1), (error) => {
    assert(error instanceof PublishError);
    assert.match(error.message, /"sessions\.s\.work\.r": message is 2049 bytes .* limit is 2048/);
    return true;
  });
  assert.equal((await send(2048 - around - header)).sequence, 1);
});

Deno.test("a server without JetStream is an error that says so", async () => {
  await using nats = await startNats({ jetstream: false });
  await using connection = await connect({ url: nats.url });
  await assert.rejects(
    sendWork(connection, { ...TARGET, id: "a", payload: {} }),
    (error) => error instanceof PublishError && /JetStream is not enabled/.test(error.message),
  );
});

Deno.test("a denied subject is an error that names it", async () => {
  const config = `authorization { users = [{ user: u, password: p,
    permissions: { publish: { deny: "sessions.s.work.*" } } }] }\n`;
  await using nats = await startNats({ config });
  await using connection = await connect({ url: nats.url, user: "u", password: "p" });
  await assert.rejects(
    sendWork(connection, { ...TARGET, id: "a", payload: {} }),
    /Cannot publish to "sessions\.s\.work\.r": permission denied/,
  );
});

Deno.test("a full queue stops a bulk, which tells what is stored", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection, { workMaxBytes: 20_000 });
  const failed: string[] = [];
  const summary = await sendAllWork(connection, numbered(0, 5_000), {
    window: 10,
    onFailed: (work) => failed.push(work.id),
  });
  assert(summary.stopped instanceof PublishError);
  assert.match(summary.stopped.message, /queue is full/);
  assert.equal(summary.stored, await messagesIn(connection));
  assert(summary.stored > 100 && summary.stored < 1_000, `${summary.stored} stored`);
  assert.equal(summary.failed, failed.length);
  assert.equal(failed[0], `id-${summary.stored}`);
});

Deno.test("a full account stops a bulk, and is said to be full", async () => {
  const config = `no_auth_user: a
    accounts { A { jetstream: { max_file: 40KB, max_mem: 0 }, users: [{ user: a, password: a }] } }`;
  await using nats = await startNats({ config });
  await using connection = await connect({ url: nats.url });
  const text = "x".repeat(10_000);
  const works = Array.from(
    { length: 100 },
    (_, n) => ({ ...TARGET, id: `id-${n}`, payload: { text } }),
  );
  const options = { window: 1, limits: { logMaxBytes: -1 } };
  const { stored, failed, stopped } = await sendAllWork(connection, works, options);
  assert.ok(stored > 0 && stored < 10, `${stored} stored`);
  assert.equal(failed, 1);
  assert.match(stopped?.message ?? "", /the work queue is full \(resource limits exceeded/);
});

Deno.test("a bulk acknowledges each message, and counts stored ones and duplicates", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const sequences = new Set<number>();
  const first = await sendAllWork(connection, numbered(0, 3_000), {
    onSent: (_, { sequence }) => sequences.add(sequence),
  });
  assert.equal(sequences.size, 3_000);
  assert.deepEqual({ ...first }, {
    stored: 3_000,
    duplicates: 0,
    failed: 0,
    unconfirmed: 0,
    stopped: undefined,
  });
  const { stored, duplicates } = await sendAllWork(connection, numbered(2_000, 4_000));
  assert.deepEqual({ stored, duplicates }, { stored: 1_000, duplicates: 1_000 });
});

Deno.test("what is wrong with one message of a bulk is reported, the others are sent", async () => {
  await using nats = await startNats({ config: "max_payload: 2048\n" });
  await using connection = await connect({ url: nats.url });
  const works: Work[] = [
    { ...TARGET, id: "a", payload: {} },
    { ...TARGET, id: "b", payload: { text: "x".repeat(5_000) } },
    { ...TARGET, id: "line\nbreak", payload: {} },
    { session: "s", role: "*", id: "c", payload: {} },
    { ...TARGET, id: "d", payload: {} },
  ];
  const reasons: string[] = [];
  const summary = await sendAllWork(connection, works, {
    onFailed: (_, error) => reasons.push(error.message),
  });
  assert.deepEqual([summary.stored, summary.failed, summary.stopped], [2, 3, undefined]);
  assert.match(reasons[0] ?? "", /limit is 2048/);
  assert.match(reasons[1] ?? "", /not printable: U\+000A/);
  assert.match(reasons[2] ?? "", /role is "\*"/);
});

Deno.test("a bulk survives nats-server's end in the middle: nothing is lost, nothing twice", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  let sent = 0;
  const total = 20_000;
  let restarted: Promise<void> | undefined;
  const summary = await sendAllWork(connection, numbered(0, total), {
    onSent: () => {
      if (++sent === 2_000) restarted = nats.kill().then(() => nats.start());
    },
  });
  await restarted;
  assert.deepEqual([summary.stored, summary.unconfirmed, summary.stopped], [total, 0, undefined]);
  assert.equal(await messagesIn(connection), total);
});

Deno.test("a bulk survives a connection that is cut again and again with acknowledgements under way", async () => {
  await using nats = await startNats();
  await using proxy = startProxy(nats.port);
  await using connection = await connect({ url: `nats://127.0.0.1:${proxy.port}` });
  await ensureStreams(connection);
  let sent = 0;
  const total = 15_000;
  const summary = await sendAllWork(connection, numbered(0, total), {
    onSent: () => {
      if (++sent % 4_000 !== 0) return;
      proxy.cut();
      proxy.heal();
    },
    onFailed: (_, error) => assert.fail(error),
  });
  assert.deepEqual([summary.stored, summary.unconfirmed, summary.stopped], [total, 0, undefined]);
  assert.equal(await messagesIn(connection), total);
  assert(connection.epoch >= 3, `${connection.epoch} losses`);
});

Deno.test("an aborted bulk closes its source and knows how many are stored", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const abort = new AbortController();
  let closed = false;
  async function* endless(): AsyncGenerator<Work> {
    try {
      for (let n = 0;; n++) yield await Promise.resolve({ ...TARGET, id: `${n}`, payload: {} });
    } finally {
      closed = true;
    }
  }
  let sent = 0;
  const summary = await sendAllWork(connection, endless(), {
    signal: abort.signal,
    onSent: () => {
      if (++sent === 1_000) abort.abort();
    },
  });
  assert.equal(summary.stopped?.name, "AbortError");
  assert.equal(summary.unconfirmed, 0);
  assert.equal(summary.stored, await messagesIn(connection));
  await until(() => closed, { message: "the source to be closed" });
});

Deno.test("a source that fails ends the bulk after what it gave is stored", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  function* failing(): Generator<Work> {
    yield* numbered(0, 5);
    throw new Error("disk on fire");
  }
  const summary = await sendAllWork(connection, failing());
  assert.deepEqual([summary.stored, summary.stopped?.message], [5, "disk on fire"]);
});

Deno.test("a server that does not answer is an error that says sending again is safe", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  await nats.freeze();
  try {
    await assert.rejects(
      sendWork(connection, { ...TARGET, id: "a", payload: {} }, { timeoutMs: 200 }),
      /did not acknowledge within 200 ms\. Sending it again with the same id is safe/,
    );
  } finally {
    nats.send("SIGCONT");
  }
  const again = await sendWork(connection, { ...TARGET, id: "a", payload: {} });
  assert.equal(again.sequence, 1);
});

for (
  const [what, errorCode] of [
    ["is being stored already", 10158],
    ["has come while there was too much to store", 10167],
  ] as const
) {
  Deno.test(`work is not refused because it ${what}: it is sent again`, async () => {
    await using nats = await startNats({ jetstream: false });
    await using connection = await connect({ url: nats.url });
    await using server = await connect({ url: nats.url });
    const error = { code: 409, err_code: errorCode, description: what };
    let tries = 0;
    server.subscribe("sessions.s.work.r", (_, msg) => {
      const stored = { stream: WORK_STREAM, seq: 3, duplicate: true };
      msg.respond(JSON.stringify(++tries === 1 ? { error, stream: WORK_STREAM, seq: 0 } : stored));
    });
    await server.nats.flush();
    const work = { ...TARGET, id: "a", payload: {} };
    const told: SentWork[] = [];
    await sendAllWork(connection, [work], {
      ackTimeoutMs: 100,
      onSent: (_, sent) => told.push(sent),
    });
    const [sent] = told;
    assert.deepEqual([sent?.sequence, sent?.duplicate, sent?.known], [3, false, true]);
    assert.equal(tries, 2);
  });
}

Deno.test("a window of nothing is refused", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await assert.rejects(sendAllWork(connection, [], { window: 0 }), /window is 0/);
});

import assert from "node:assert/strict";
import { headers } from "@nats-io/nats-core";
import { jetstreamManager } from "@nats-io/jetstream";
import {
  connect,
  type Connection,
  ensureStreams,
  FENCE,
  lastLogSequence,
  publishStored,
  readStored,
  workIdentity,
} from "@ourocodus/bus";
import {
  deadSubject,
  formatMessage,
  LOG_HEADER,
  LOG_STREAM,
  outcomeSubject,
  parseMessage,
  WORK_STREAM,
} from "@ourocodus/protocol";
import { startNats, until } from "../tests/support/mod.ts";
import { type FinishedFilter, type FinishedState, finishedWork } from "./finished_work.ts";
import { sendWork } from "./send_work.ts";
import { retryFinished, type RetryOptions, retryWork } from "./work_retry.ts";
import { traceWork } from "./work_trace.ts";

const PLACE = { session: "s", role: "r" };

interface Scene extends AsyncDisposable {
  readonly connection: Connection;
  /** Sends a message. @returns Its sequence. */
  send(id: string, place?: { session?: string; role?: string }, text?: string): Promise<number>;
  /** Gives work an outcome, as relays do. */
  end(sequence: number, state: FinishedState | "done", more?: Ending): Promise<void>;
}

interface Ending {
  readonly session?: string;
  readonly role?: string;
  /** The text of its dead letter, and how much of it there is. */
  readonly dead?: { readonly text: string; readonly cutFrom?: number };
}

async function scene(): Promise<Scene> {
  const stack = new AsyncDisposableStack();
  const nats = stack.use(await startNats());
  const connection = stack.use(await connect({ url: nats.url }));
  await ensureStreams(connection);
  const store = (subject: string, text: string, headers: Record<string, string>) =>
    publishStored(connection, subject, text, { headers, stream: LOG_STREAM, timeoutMs: 5_000 });
  return {
    connection,
    send: async (id, place, text) => {
      const content = text === undefined ? { payload: { n: id } } : { text };
      const before = await lastLogSequence(connection);
      const work = { ...PLACE, ...place, id, ...content };
      const { sequence } = await sendWork(connection, { ...work, messageId: crypto.randomUUID() });
      // The log has its copy a moment later.
      await until(async () => await lastLogSequence(connection) > before);
      return sequence;
    },
    end: async (sequence, state, { session = "s", role = "r", dead } = {}) => {
      const stored = await readStored(connection, WORK_STREAM, sequence);
      assert.ok(stored);
      const identity = workIdentity(stored);
      const type = state === "done" ? "result" : "error";
      const message = parseMessage(new TextDecoder().decode(stored.data));
      const id = message.kind === "ok" ? message.message.id : `work-${sequence}`;
      const text = formatMessage(id, type, {});
      await store(outcomeSubject(session, role, identity), text, {
        ...{ ...FENCE, "Nats-Msg-Id": identity },
        ...(state !== "done" && { [LOG_HEADER.outcome]: state }),
      });
      if (dead !== undefined) {
        await store(deadSubject(session, role), dead.text, {
          "Nats-Msg-Id": `${identity}.d`,
          ...(dead.cutFrom !== undefined && { [LOG_HEADER.cut]: String(dead.cutFrom) }),
        });
      }
      const manager = await jetstreamManager(connection.nats);
      await manager.streams.deleteMessage(WORK_STREAM, sequence);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function textOf(connection: Connection, sequence: number): Promise<string> {
  const stored = await readStored(connection, WORK_STREAM, sequence);
  return new TextDecoder().decode(stored?.data);
}

/** Retries what a filter finds. @returns What was sent, as `id:sequence`, and what was refused. */
async function retryAll(
  { connection }: Scene,
  filter: Partial<FinishedFilter> = {},
  options: RetryOptions = {},
): Promise<string[]> {
  const { works } = await finishedWork(connection, { states: ["failed"], ...filter });
  const { session, role } = filter;
  const all = await Array.fromAsync(
    retryFinished(connection, works, { session, role, ...options }),
  );
  return all.map((done) => {
    assert.ok("work" in done);
    const { id, retried_as, work_sequence } = done.work;
    return done.kind === "refused" ? `${work_sequence}: ${done.reason}` : `${id}:${retried_as}`;
  });
}

for (const state of ["failed", "cancelled", "done"] as const) {
  Deno.test(`${state} work is sent again byte for byte, and both say so`, async () => {
    await using there = await scene();
    const { connection } = there;
    const text = '{ "id":"w", "type":"review", "payload":{"n":12345678901234567890}, "x":1 }';
    const sequence = await there.send("w", {}, text);
    assert.deepEqual((await retryWork(connection, { id: "w" })).kind, "unfinished");
    await there.end(sequence, state);
    const dry = await retryWork(connection, { id: "w" }, { dryRun: true });
    assert.equal(dry.kind, "ready");
    const done = await retryWork(connection, { id: "w" });
    assert.ok(done.kind === "retried", Deno.inspect(done));
    assert.deepEqual(done.work, {
      ...{ work_sequence: sequence, session_id: "s", role: "r", id: "w", state },
      retried_as: sequence + 1,
    });
    assert.equal(await textOf(connection, done.sent.sequence), text);
    const [now, before] = await until(async () => {
      const traces = await traceWork(connection, { id: "w" });
      return traces.length === 2 && traces;
    });
    assert.deepEqual([now?.retry_of, now?.retried_as, now?.state], [sequence, null, "waiting"]);
    assert.deepEqual([before?.retry_of, before?.retried_as], [null, now?.work_sequence]);
    // By its id the retry is meant, which has no outcome yet.
    assert.equal((await retryWork(connection, { id: "w" })).kind, "unfinished");
    const again = await retryWork(connection, { workSequence: sequence });
    assert.ok(again.kind === "already" && again.work.retried_as === now?.work_sequence);
  });
}

Deno.test("of several who retry the same work at once, one stores it, and all are told its sequence", async () => {
  await using there = await scene();
  const { connection } = there;
  const workSequence = await there.send("w");
  await there.end(workSequence, "failed");
  for (const [again, expected] of [[false, 2], [true, 3], [true, 4]] as const) {
    const all = await Promise.all(
      [1, 2, 3, 4].map(() => retryWork(connection, { workSequence }, { again })),
    );
    const sent = all.filter((done) => done.kind === "retried");
    assert.ok(sent.length > 0);
    // One who came after the copy was in the log, without --again, finds that it is done.
    for (const done of all) assert.ok("work" in done && done.work.retried_as === expected);
    assert.equal(sent.filter(({ sent }) => !sent.duplicate).length, 1);
    await until(async () =>
      (await traceWork(connection, { workSequence }))[0]?.retried_as === expected
    );
  }
});

Deno.test("an id of several sessions or roles is not guessed at; of one role the newest is meant", async () => {
  await using there = await scene();
  const { connection } = there;
  const one = await there.send("w");
  const other = await there.send("w", { session: "t" });
  await there.end(one, "failed");
  await there.end(other, "failed", { session: "t" });
  const both = await retryWork(connection, { id: "w" });
  assert.deepEqual(both.kind === "ambiguous" && both.works.map(({ session_id }) => session_id), [
    ...["t", "s"],
  ]);
  const newer = await there.send("w");
  await there.end(newer, "failed");
  const done = await retryWork(connection, { id: "w" }, { session: "s" });
  assert.ok(done.kind === "retried" && done.work.work_sequence === newer);
  assert.equal((await retryWork(connection, { id: "none" })).kind, "unknown");
  assert.equal(
    (await retryWork(connection, { workSequence: one }, { session: "t" })).kind,
    "unknown",
  );
});

Deno.test("others than its session and role cannot say that work was sent again", async () => {
  await using there = await scene();
  const { connection } = there;
  const sequence = await there.send("w");
  const stored = await readStored(connection, WORK_STREAM, sequence);
  const identity = workIdentity(stored ?? { sequence, timeNs: "" });
  await there.end(sequence, "failed");
  for (const subject of ["sessions.t.work.r", "sessions.s.work.other"]) {
    const header = headers();
    header.set(LOG_HEADER.retryOf, identity);
    await connection.nats.request(subject, '{"id":"w","type":"work","payload":{}}', {
      ...{ headers: header, timeout: 5_000 },
    });
  }
  await until(async () => (await traceWork(connection, { id: "w" })).length === 3);
  const [trace] = await traceWork(connection, { workSequence: sequence });
  assert.equal(trace?.retried_as, null);
  assert.deepEqual(await retryAll(there), ["w:4"]);
});

Deno.test("a dead letter that a version before has sent again was sent again", async () => {
  await using there = await scene();
  const { connection } = there;
  const text = '{"id":"w","type":"work","payload":{}}';
  const workSequence = await there.send("w", {}, text);
  await there.end(workSequence, "dead", { dead: { text } });
  const [found] = (await finishedWork(connection, { states: ["dead"] })).works;
  const header = headers();
  header.set(LOG_HEADER.requeued, String(found?.dead_letter));
  await connection.nats.request("sessions.s.work.r", text, { headers: header, timeout: 5_000 });
  const trace = await until(async () => {
    const [trace] = await traceWork(connection, { workSequence });
    return trace?.dead_letter?.requeued_as === 2 && trace;
  });
  assert.equal(trace.retried_as, 2);
  assert.equal((await retryWork(connection, { workSequence })).kind, "already");
  assert.deepEqual(await retryAll(there, { states: ["dead"] }), []);
});

Deno.test("a dead letter names its own work, also where the work stream was made anew", async () => {
  await using there = await scene();
  const { connection } = there;
  const text = '{"id":"old","type":"work","payload":{}}';
  const sequence = await there.send("old", {}, text);
  await there.end(sequence, "dead", { dead: { text } });
  const letter = await lastLogSequence(connection);
  await (await jetstreamManager(connection.nats)).streams.delete(WORK_STREAM);
  await ensureStreams(connection);
  assert.equal(await there.send("new"), sequence);
  await there.end(sequence, "failed");
  for (const elsewhere of [{ session: "t" }, { role: "other" }]) {
    const other = await retryWork(connection, { deadLetter: letter }, elsewhere);
    assert.equal(other.kind, "unknown");
  }
  assert.equal((await retryWork(connection, { deadLetter: letter + 1 })).kind, "unknown");
  const done = await retryWork(connection, { deadLetter: letter }, { session: "s" });
  assert.ok(done.kind === "retried", Deno.inspect(done));
  assert.equal(await textOf(connection, done.sent.sequence), text);
});

Deno.test("a filter finds what ended since then and was not sent again, in the order of its work", async () => {
  await using there = await scene();
  const { connection } = there;
  const ids = ["a", "b", "c", "d", "e", "f"];
  const [a = 0, b = 0, c = 0, d = 0, e = 0] = await Array.fromAsync(ids, (id) => there.send(id));
  await there.end(b, "failed");
  const since = new Date(Date.now() + 2);
  await until(() => new Date() > since);
  await there.end(d, "failed");
  await there.end(a, "failed");
  await there.end(c, "cancelled");
  await there.end(e, "done");
  const find = async (filter: Partial<FinishedFilter>) => {
    const { works, more } = await finishedWork(connection, { states: ["failed"], ...filter });
    return [...works.map(({ work_sequence }) => work_sequence), ...(more ? ["more"] : [])];
  };
  assert.deepEqual(await find({}), [a, b, d]);
  assert.deepEqual(await find({ since }), [a, d]);
  assert.deepEqual(await find({ limit: 2 }), [a, b, "more"]);
  assert.deepEqual(await find({ states: ["failed", "cancelled"], session: "s" }), [a, b, c, d]);
  assert.deepEqual(await find({ session: "t" }), []);
  assert.deepEqual(await find({ role: "other" }), []);
  assert.deepEqual(await retryAll(there, {}, { dryRun: true }), ["a:null", "b:null", "d:null"]);
  assert.deepEqual(await retryAll(there, { limit: 2 }), ["a:7", "b:8"]);
  await until(async () => (await find({})).length === 1);
  assert.deepEqual(await retryAll(there), ["d:9"]);
  await until(async () => (await find({})).length === 0);
  assert.deepEqual(await retryAll(there), [], "the same again sends nothing twice");
});

Deno.test("without a copy the dead letter's text is sent, if it is whole; what is no message is not", async () => {
  await using there = await scene();
  const { connection } = there;
  const whole = '{"id":"whole","type":"work","payload":{}}';
  const first = await there.send("whole", {}, whole);
  const second = await there.send("cut");
  const third = await there.send("lost");
  // Copies are the oldest that the log has of a work item, so it loses them first.
  await (await jetstreamManager(connection.nats)).streams.purge(LOG_STREAM);
  await there.end(first, "dead", { dead: { text: whole } });
  await there.end(second, "dead", { dead: { text: '{"id":"cut",', cutFrom: 5_000 } });
  await there.end(third, "failed");
  const noise = await there.send("noise", {}, "no message");
  await there.end(noise, "dead");
  const sent = await retryAll(there, { states: ["dead", "failed"] });
  assert.match(sent[0] ?? "", new RegExp(`^${noise}: it would be dead at once: `));
  assert.deepEqual(sent.slice(1), [
    `whole:${noise + 1}`,
    `${second}: its dead letter has 12 characters of a message of 5000 bytes, and the log does ` +
    "not have the whole of it any more",
    `${third}: the log does not have its message any more`,
  ]);
  assert.equal(await textOf(connection, noise + 1), whole);
  const lost = await retryWork(connection, { workSequence: third });
  assert.ok(lost.kind === "refused" && /does not have its message/.test(lost.reason));
});

import assert from "node:assert/strict";
import {
  DiscardPolicy,
  jetstreamManager,
  RetentionPolicy,
  type StreamConfig,
} from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { sendWork } from "@ourocodus/ops";
import {
  ALL_OUTCOMES,
  ALL_RESULTS,
  LOG_STREAM,
  LOG_SUBJECTS,
  OUTCOME_COPIES,
  outcomeSubject,
  outcomeSubjects,
  RELAYS_AGENTS_SUBJECT,
  resultsSubject,
  SETTINGS_STREAM,
  SETTINGS_SUBJECTS,
  storedSubject,
  WORK_COPIES,
  WORK_STREAM,
  WORK_SUBJECTS,
} from "@ourocodus/protocol";
import { freePort, startNats } from "../tests/support/mod.ts";
import { connect, Connection } from "./connection.ts";
import { workIdentity } from "./log/identity.ts";
import { readLog } from "./log/log_reader.ts";
import { LogWriter } from "./log/log_writer.ts";
import { OutcomeLookup } from "./log/outcome_lookup.ts";
import { StreamError } from "./nats_errors.ts";
import { readStored } from "./stored_message.ts";
import { ensureStreams, type StreamLimits } from "./streams.ts";
import { makeOldStreams, storeOldOutcome } from "./testing/old_streams.ts";

/** The message with which ensuring the streams fails. */
async function failure(url: string, limits: StreamLimits = {}): Promise<string> {
  await using connection = await connect({ url });
  try {
    await ensureStreams(connection, limits);
  } catch (error) {
    assert.equal((error as Error).name, "StreamError");
    return (error as Error).message;
  }
  assert.fail("the streams could be used");
}

Deno.test("a cluster without a leader is an error that passes, and says what to look at", async () => {
  const [port, missing] = [freePort(), freePort()];
  await using nats = await startNats({
    config: `cluster { name: c, listen: "127.0.0.1:${port}", routes: [
      "nats-route://127.0.0.1:${port}", "nats-route://127.0.0.1:${missing}"] }`,
  });
  await using connection = await connect({ url: nats.url });
  await assert.rejects(ensureStreams(connection), (error) => {
    assert.ok(error instanceof StreamError && error.passing, String(error));
    assert.match(
      error.message,
      /^Cannot use .*: .*\. A cluster answers once its servers have chosen/,
    );
    return true;
  });
});

Deno.test("the streams are made once, however many processes ensure them at once", async () => {
  await using nats = await startNats();
  const connections = await Promise.all(
    Array.from({ length: 10 }, () => connect({ url: nats.url })),
  );
  try {
    const all = await Promise.all(connections.map((connection) => ensureStreams(connection)));
    for (const { work, log, settings } of all) {
      assert.deepEqual(settings.config.subjects, [SETTINGS_SUBJECTS]);
      assert.deepEqual([settings.config.max_age, settings.config.max_msgs_per_subject], [0, 1]);
      assert.deepEqual(work.config.subjects, [WORK_SUBJECTS]);
      assert.equal(work.config.retention, "workqueue");
      assert.deepEqual(log.config.subjects, LOG_SUBJECTS);
      assert.equal(log.config.max_age, 7 * 86_400e9);
      assert.equal(log.config.max_bytes, 2 ** 30);
      assert.equal(log.config.duplicate_window, 120e9);
      assert.deepEqual(log.config.republish, OUTCOME_COPIES);
    }
    assert.equal(new Set(all.map(({ work }) => work.created)).size, 1);
  } finally {
    for (const connection of connections) await connection.close();
  }
});

for (
  const [code, description] of [
    [10058, "stream name already in use with a different configuration"],
    [10065, "subjects overlap with an existing stream"],
    [10049, "error creating store for stream"],
  ] as const
) {
  Deno.test(`a server that tells of a stream made at the same time by "${description}" has it`, async () => {
    await using nats = await startNats();
    await using connection = await connect({ url: nats.url });
    const answered = answering(connection.nats, code, description);
    const { work, log } = await ensureStreams(new Connection(answered, nats.url));
    assert.deepEqual([work.config.name, log.config.name], [WORK_STREAM, LOG_STREAM]);
  });
}

Deno.test("processes that ask for different limits at once all get streams that work", async () => {
  await using nats = await startNats();
  const ages = [1, 2, 3, 4, 5, 6].map((hours) => hours * 3_600_000);
  await Promise.all(ages.map(async (logMaxAgeMs) => {
    await using connection = await connect({ url: nats.url });
    await ensureStreams(connection, { logMaxAgeMs });
  }));
  await using connection = await connect({ url: nats.url });
  const { log } = await ensureStreams(connection);
  assert.ok(ages.includes(log.config.max_age / 1e6));
});

Deno.test("limits of an existing stream change only when they are asked for", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection, { logMaxAgeMs: 5_000, logMaxBytes: 1e6, workMaxBytes: 2e6 });
  const kept = await ensureStreams(connection);
  assert.equal(kept.log.config.max_age, 5e9);
  assert.equal(kept.log.config.max_bytes, 1e6);
  assert.equal(kept.work.config.max_bytes, 2e6);
  assert.equal(kept.log.config.duplicate_window, 5e9, "no longer than messages are kept");
  const changed = await ensureStreams(connection, { logMaxBytes: -1, logMaxAgeMs: 2_000 });
  assert.equal(changed.log.config.max_bytes, -1);
  assert.equal(changed.log.config.max_age, 2e9);
  assert.equal(changed.log.config.duplicate_window, 2e9);
  assert.equal(changed.work.config.max_bytes, 2e6);
});

Deno.test("an existing stream under which promises break is refused, with what to change", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const manager = await jetstreamManager(connection.nats);
  const good: Record<string, Partial<StreamConfig>> = {
    [WORK_STREAM]: {
      subjects: [WORK_SUBJECTS],
      retention: "workqueue",
      discard: "new",
      allow_direct: true,
      republish: WORK_COPIES,
    },
    [LOG_STREAM]: {
      subjects: [...LOG_SUBJECTS],
      discard: "old",
      allow_direct: true,
      republish: OUTCOME_COPIES,
    },
    [SETTINGS_STREAM]: {
      subjects: [SETTINGS_SUBJECTS],
      discard: "old",
      allow_direct: true,
      max_msgs_per_subject: 1,
    },
  };
  const cases: [string, Partial<StreamConfig>, string][] = [
    [WORK_STREAM, { subjects: ["sessions.a.work.*"] }, "subjects is"],
    [WORK_STREAM, { retention: "limits" }, 'retention is "limits", needed is "workqueue"'],
    [WORK_STREAM, { retention: "interest" }, 'retention is "interest", needed is "workqueue"'],
    [WORK_STREAM, { discard: "old" }, 'discard is "old", needed is "new"'],
    [WORK_STREAM, { max_age: 1e12 }, "max_age is 1000000000000, needed is 0"],
    [WORK_STREAM, { max_msgs_per_subject: 5 }, "max_msgs_per_subject is 5, needed is -1"],
    [WORK_STREAM, { allow_direct: false }, "allow_direct is"],
    [LOG_STREAM, { subjects: ["sessions.*.events"] }, "subjects is"],
    [LOG_STREAM, { republish: { src: ALL_OUTCOMES, dest: "x.{{wildcard(1)}}" } }, "republish is"],
    [LOG_STREAM, { retention: "interest" }, 'retention is "interest", needed is "limits"'],
    [LOG_STREAM, { discard: "new" }, 'discard is "new", needed is "old"'],
    [LOG_STREAM, { no_ack: true }, "no_ack is true, needed is false"],
    [LOG_STREAM, { allow_direct: false }, "allow_direct is"],
    [SETTINGS_STREAM, { max_age: 1e12 }, "max_age is 1000000000000, needed is 0"],
    [SETTINGS_STREAM, { max_bytes: 1e6 }, "max_bytes is 1000000, needed is -1"],
    [SETTINGS_STREAM, { max_msgs_per_subject: 2 }, "max_msgs_per_subject is 2, needed is 1"],
  ];
  for (const [name, wrong, shown] of cases) {
    await manager.streams.add(
      { name, ...good[name], ...wrong } as Partial<StreamConfig> & {
        name: string;
      },
    );
    const message = await failure(nats.url);
    assert.ok(message.startsWith(`Stream ${name} exists with other settings: ${shown}`), message);
    assert.match(message, /nats stream edit OUROCODUS_/);
    for (const made of await manager.streams.names().next()) await manager.streams.delete(made);
  }
  await ensureStreams(connection);
});

Deno.test("the log has a copy of each work item, in the order in which it was stored", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  for (const id of ["1", "2", "3"]) {
    await sendWork(connection, { session: "s", role: "r", id, payload: { n: Number(id) } });
  }
  // Stored once, so copied once.
  await sendWork(connection, { session: "s", role: "r", id: "2", payload: { n: 2 } });
  const copies = await Array.fromAsync(readLog(connection, storedSubject("s", "*")));
  assert.deepEqual(
    copies.map((
      { kind, session, role, work, text },
    ) => [kind, session, role, work?.sequence, text]),
    ["1", "2", "3"].map((
      id,
    ) => ["stored", "s", "r", Number(id), `{"id":"${id}","type":"work","payload":{"n":${id}}}`]),
  );
  const [first] = copies;
  assert.ok(Math.abs((first?.work?.storedAt.getTime() ?? 0) - Date.now()) < 60_000);
});

Deno.test("streams of the version before are upgraded by relays alone, and their outcomes are found", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await makeOldStreams(connection);
  for (const id of ["1", "2"]) {
    await sendWork(connection, { session: "s", role: "r", id, payload: {} });
  }
  const works = await Promise.all([1, 2].map((seq) => readStored(connection, WORK_STREAM, seq)));
  const [answered, open] = works.map((stored) => {
    assert.ok(stored);
    const storedAtMs = Number(stored.timeNs.slice(0, -6));
    return { session: "s", role: "r", work: workIdentity(stored), storedAtMs };
  });
  assert.ok(answered && open);
  await storeOldOutcome(connection, answered.work);
  const asIs = await ensureStreams(connection);
  assert.ok(asIs.log.config.subjects.includes(ALL_RESULTS), "others than relays leave it as it is");
  const { log } = await ensureStreams(connection, {}, { upgrade: true });
  assert.deepEqual([...log.config.subjects].sort(), [...LOG_SUBJECTS].sort());
  assert.deepEqual(log.config.republish, OUTCOME_COPIES);
  const lookup = new OutcomeLookup(connection);
  const found = await lookup.find(answered);
  assert.deepEqual([found?.attempt, found?.outcome], [2, undefined]);
  assert.equal(await lookup.find(open), undefined);
  const writer = new LogWriter(connection);
  const subject = outcomeSubject("s", "r", open.work);
  const stored = await writer.store({ subject, data: "{}", id: open.work, fenced: true });
  writer.close();
  assert.deepEqual(stored, { kind: "stored" });
  assert.ok(await lookup.find(open));
  const records = await Array.fromAsync(readLog(connection, outcomeSubjects("s", "*")));
  assert.deepEqual(records.map(({ kind, work }) => [kind, work?.sequence]), [
    ["results", 1],
    ["results", 2],
  ]);
  const again = await ensureStreams(connection, {}, { upgrade: true });
  assert.deepEqual(again.log.config, log.config);
});

Deno.test("streams are not upgraded while a relay of the version before could store nothing any more", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using relays = await connect({ url: nats.url });
  await makeOldStreams(connection);
  const answers: string[] = ['{"relay_id":"new","fence":true}', '{"relay_id":"old"}'];
  relays.subscribe(RELAYS_AGENTS_SUBJECT, (_, msg) => answers.forEach((text) => msg.respond(text)));
  await relays.nats.flush();
  const upgrade = () => ensureStreams(connection, {}, { upgrade: true });
  await assert.rejects(upgrade(), {
    name: "StreamError",
    message: /relays still run: old\. .*stop/,
  });
  answers.pop();
  assert.ok(!(await upgrade()).log.config.subjects.includes(ALL_RESULTS));
});

Deno.test("a work stream that made no copies makes some from now on", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const { streams } = await jetstreamManager(connection.nats);
  await streams.add({
    ...{ name: WORK_STREAM, subjects: [WORK_SUBJECTS], retention: RetentionPolicy.Workqueue },
    ...{ discard: DiscardPolicy.New, allow_direct: true },
  });
  const { work } = await ensureStreams(connection);
  assert.deepEqual(work.config.republish, WORK_COPIES);
});

Deno.test("subscribers hear each accepted outcome once, with its headers, and refused ones never", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const heard: string[] = [];
  connection.subscribe(resultsSubject("s", "r"), (_, msg) => {
    const [id, attempt] = ["Nats-Msg-Id", "Ourocodus-Attempt"].map((name) =>
      msg.headers?.get(name)
    );
    heard.push(`${msg.string()} ${id} ${attempt}`);
  });
  const writer = new LogWriter(connection);
  const store = (data: string) => {
    const headers = { "Ourocodus-Attempt": "2" };
    const subject = outcomeSubject("s", "r", "7.99");
    return writer.store({ subject, data, id: "7.99", headers, fenced: true });
  };
  const stored = await Promise.all([store("one"), store("two")]);
  assert.deepEqual(stored, [
    { kind: "stored" },
    { kind: "duplicate", accepted: { sequence: 1, attempt: 2, outcome: undefined } },
  ]);
  await connection.nats.flush();
  assert.deepEqual(heard, ["one 7.99 2"]);
  writer.close();
});

Deno.test("another stream on the same subjects is named as what is in the way", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const manager = await jetstreamManager(connection.nats);
  await manager.streams.add({ name: "OTHER", subjects: ["sessions.>"] });
  assert.match(
    await failure(nats.url),
    /^Cannot use stream OUROCODUS_LOG: .*Another stream already takes these subjects/,
  );
});

Deno.test("a server without JetStream, or an account without it, is an error that says so", async () => {
  {
    await using nats = await startNats({ jetstream: false });
    assert.match(
      await failure(nats.url),
      new RegExp(`^Cannot use JetStream on NATS at ${nats.url}: JetStream is not enabled. Start`),
    );
  }
  await using nats = await startNats({
    config: "accounts { A: { users: [{ user: u, password: p }] } }",
  });
  assert.match(await failure(`nats://u:p@127.0.0.1:${nats.port}`), /JetStream is not enabled/);
});

Deno.test("too little room on the server is an error that says which setting to lower", async () => {
  await using nats = await startNats({ config: "jetstream { max_file_store: 10MB }" });
  assert.match(
    await failure(nats.url),
    /^Cannot use stream OUROCODUS_LOG: .*Lower OUROCODUS_LOG_MAX_BYTES, or raise/,
  );
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection, { logMaxBytes: 1e6 });
});

Deno.test("more replicas than servers is an error that names the setting", async () => {
  await using nats = await startNats();
  assert.match(
    await failure(nats.url, { replicas: 3 }),
    /^Cannot use stream OUROCODUS_LOG: .*OUROCODUS_REPLICAS asks for more servers than/,
  );
});

/** A connection to a server that makes streams and answers as if another process was faster. */
function answering(nats: NatsConnection, code: number, description: string): NatsConnection {
  const request: NatsConnection["request"] = async (subject, ...rest) => {
    const answer = await nats.request(subject, ...rest);
    if (!subject.startsWith("$JS.API.STREAM.CREATE.")) return answer;
    const error = { code: 400, err_code: code, description };
    return Object.create(answer, {
      data: { value: new TextEncoder().encode(JSON.stringify({ error })) },
    });
  };
  return new Proxy(nats, {
    get: (target, name) => name === "request" ? request : Reflect.get(target, name),
  });
}

import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { MsgImpl } from "@nats-io/nats-core/internal";
import fc from "fast-check";
import { eventsSubject, LOG_STREAM } from "@ourocodus/protocol";
import { startNats } from "../tests/support/mod.ts";
import { connect } from "./connection.ts";
import { parsePublishAck, publishStored } from "./publish_ack.ts";
import { readStored } from "./stored_message.ts";
import { ensureStreams } from "./streams.ts";

/** What anybody may answer whom JetStream's answer is not known to. */
const FOREIGN = [
  ...["hi", "", "{}", "[]", "null", "7", '{"stream":"X"}', '{"seq":1}'],
  ...[
    '{"error":1}',
    '{"error":{}}',
    '{"error":{"code":400,"message":"no"}}',
    '{"error":{"err_code":1}}',
  ],
];

function parse(text: string): ReturnType<typeof parsePublishAck> {
  const data = new TextEncoder().encode(text);
  const empty = new Uint8Array(0);
  const arg = { subject: empty, sid: 1, hdr: -1, size: data.length };
  return parsePublishAck(new MsgImpl(arg, data, { publish: () => {} }));
}

Deno.test("an acknowledgement says where the message is, and whether it was there before", () => {
  const stored = { kind: "stored", stream: "S", sequence: 7 };
  assert.deepEqual(parse('{"stream":"S","seq":7}'), { ...stored, duplicate: false });
  assert.deepEqual(parse('{"stream":"S","seq":7,"duplicate":true}'), {
    ...stored,
    duplicate: true,
  });
  const error = { code: 503, err_code: 10077, description: "maximum messages exceeded" };
  assert.deepEqual(parse(JSON.stringify({ error })), {
    kind: "refused",
    reason: "maximum messages exceeded",
    code: 503,
    errorCode: 10077,
  });
  assert.deepEqual(parse('{"error":{"code":500,"err_code":10000,"description":[]}}'), {
    kind: "refused",
    reason: "no reason given",
    code: 500,
    errorCode: 10000,
  });
});

Deno.test("what is no acknowledgement is somebody else's answer, whatever it is", () => {
  for (const text of FOREIGN) assert.deepEqual(parse(text), { kind: "foreign" }, text);
  const stream = fc.oneof(fc.string(), fc.integer(), fc.constant(null));
  const seq = fc.oneof(fc.double(), fc.string(), fc.constant(undefined));
  fc.assert(fc.property(fc.record({ stream, seq }), (answer) => {
    const { kind } = parse(JSON.stringify(answer));
    const whole = typeof answer.stream === "string" && Number.isSafeInteger(answer.seq);
    assert.equal(kind, whole ? "stored" : "foreign");
  }));
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
    assert.match(parse(text).kind, /^(foreign|refused|stored)$/);
  }));
});

Deno.test("publishing waits for JetStream's answer, no matter who answers before", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await using other = await connect({ url: nats.url });
  const subject = eventsSubject("s");
  const answered = new Set<string>();
  // Those that come before there is a stream cannot be JetStream's.
  other.subscribe(subject, (_, msg) => {
    for (const text of FOREIGN) msg.respond(text);
    msg.respond('{"stream":"ANOTHER","seq":1}');
    answered.add(msg.reply ?? "");
  });
  await other.nats.flush();
  const options = { headers: { "Nats-Msg-Id": "one" }, stream: LOG_STREAM };
  await assert.rejects(
    publishStored(connection, subject, "text", { ...options, timeoutMs: 200 }),
    { message: `Cannot store in ${subject}: no answer within 200 ms` },
  );
  assert.equal(answered.size, 1);
  await ensureStreams(connection);
  const publish = () =>
    publishStored(connection, subject, "text", { ...options, timeoutMs: 5_000 });
  assert.deepEqual(await publish(), { sequence: 1, duplicate: false });
  assert.deepEqual(await publish(), { sequence: 1, duplicate: true });
  const stored = await readStored(connection, LOG_STREAM, 1);
  assert.equal(new TextDecoder().decode(stored?.data), "text");
});

Deno.test("publishing fails at once where it is refused, cannot be done, or its connection is closed", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const manager = await jetstreamManager(connection.nats);
  await manager.streams.update(LOG_STREAM, { max_msg_size: 500 });
  const options = { headers: {}, stream: LOG_STREAM, timeoutMs: 600_000 };
  const publish = (bytes: number, subject = eventsSubject("s")) =>
    publishStored(connection, subject, "x".repeat(bytes), options);
  await assert.rejects(publish(1_000), {
    name: "PublishError",
    message: "Cannot store in sessions.s.events: message size exceeds maximum allowed",
  });
  await assert.rejects(publish(2 ** 20 + 1), { name: "PublishError", message: /payload/ });
  connection.subscribe("silence", () => {});
  const unanswered = publish(1, "silence");
  await connection.nats.flush();
  await connection.close();
  await assert.rejects(unanswered, { name: "PublishError", message: /closed connection/ });
});

Deno.test("publishing to what no stream takes fails at once", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  const options = { headers: {}, stream: LOG_STREAM, timeoutMs: 60_000 };
  await assert.rejects(publishStored(connection, "nobody.listens", "", options), {
    name: "PublishError",
    message: "Cannot store in nobody.listens: no stream takes it",
  });
});

import assert from "node:assert/strict";
import type { Msg } from "@nats-io/nats-core";
import { MsgImpl } from "@nats-io/nats-core/internal";
import fc from "fast-check";
import { pendingWork, traceWork } from "@ourocodus/ops";
import { LOG_STREAM, storedSubject, WORK_STREAM, workSubject } from "@ourocodus/protocol";
import { startNats, until } from "../../tests/support/mod.ts";
import { connect } from "../connection.ts";
import { readLog } from "../log/log_reader.ts";
import { Publications } from "../publications.ts";
import { readNextOf, readStored } from "../stored_message.ts";
import { ensureStreams } from "../streams.ts";
import { MessageHeaders, statusOf } from "./message_headers.ts";

const NONE = new Uint8Array(0);

/** A message as it comes from a server. */
function message(headers: Uint8Array | undefined, data = "x"): Msg {
  const head = headers ?? NONE;
  const all = new Uint8Array([...head, ...new TextEncoder().encode(data)]);
  const hdr = headers === undefined ? -1 : head.length;
  const publisher = { publish: () => {} };
  return new MsgImpl({ subject: NONE, sid: 1, hdr, size: all.length }, all, publisher);
}

function parse(text: string): MessageHeaders {
  return new MessageHeaders(message(new TextEncoder().encode(text)));
}

Deno.test("headers of one name are told apart by who has set them: the sender first, the server last", () => {
  const headers = parse("NATS/1.0\r\nA: 1\r\na: other\r\nA:2\r\nEmpty:\r\nC: x:y \r\n\r\n");
  assert.deepEqual([headers.first("A"), headers.last("A")], ["1", "2"]);
  assert.deepEqual([headers.first("Empty"), headers.first("None")], [undefined, undefined]);
  assert.equal(headers.last("C"), "x:y");
  assert.deepEqual(headers.status, { code: 0, description: "" });
});

Deno.test("a status has a code and a description", () => {
  const of = (text: string) => statusOf(message(new TextEncoder().encode(text)));
  assert.deepEqual(of("NATS/1.0 503\r\n\r\n"), { code: 503, description: "" });
  assert.deepEqual(of("NATS/1.0 404 No Messages\r\nNats-Pending-Messages: 7\r\n\r\n"), {
    code: 404,
    description: "No Messages",
  });
  assert.deepEqual(statusOf(message(undefined)), { code: 0, description: "" });
});

Deno.test("no bytes make reading headers fail", () => {
  const line = fc.string({ unit: "binary", maxLength: 20 });
  const lines = fc.array(line, { maxLength: 5 }).map((all) => `NATS/1.0\r\n${all.join("\r\n")}`);
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    lines.map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(fc.property(bytes, line, (bytes, name) => {
    const headers = new MessageHeaders(message(bytes));
    assert.equal(typeof headers.status.code, "number");
    assert.notEqual(headers.first(name), "");
    assert.notEqual(headers.last(name), "");
  }));
});

/** What senders may put where headers belong; `SPOOFED` names what only a server knows. */
const MALFORMED = ["NATS/1.0\r\nNo Name: v\r\nÜ: 1\r\nA: a\nb\r\n: v\r\n\r\n", "nothing of it"];
const SPOOFED = "NATS/1.0\r\nNats-Sequence: 0\r\nNats-Subject: sessions.x.work.y\r\n" +
  "Nats-Stream: X\r\nNats-Time-Stamp: 2020-01-01T00:00:00Z\r\n\r\n";

Deno.test("work is read and found whatever its sender has put into its headers", async () => {
  await using nats = await startNats();
  await using connection = await connect({ url: nats.url });
  await ensureStreams(connection);
  const all = [...MALFORMED, SPOOFED];
  const subject = workSubject("s", "r");
  const publications = new Publications(connection);
  // What has no data is looked at by nats.js itself.
  for (const headers of all) publications.add(subject, "", { headers });
  for (const [index, headers] of all.entries()) {
    const text = `{"id":"w${index}","type":"work","payload":{}}`;
    publications.add(subject, text, { headers });
  }
  publications.send();
  const count = 2 * all.length;
  await until(async () => await readStored(connection, LOG_STREAM, count) !== undefined);
  for (let sequence = 1; sequence <= count; sequence++) {
    const stored = await readStored(connection, WORK_STREAM, sequence);
    assert.deepEqual([stored?.sequence, stored?.subject], [sequence, subject]);
    assert(Math.abs(Number(stored?.timeNs.slice(0, -6)) - Date.now()) < 60_000, stored?.timeNs);
    const copy = await readNextOf(connection, LOG_STREAM, storedSubject("s", "r"), sequence - 1);
    assert.equal(copy?.sequence, sequence);
  }
  const copies = await Array.fromAsync(readLog(connection, storedSubject("s", "r")));
  assert.deepEqual(copies.map(({ work }) => work?.sequence), copies.map((_, index) => index + 1));
  for (const { time, work } of copies) {
    assert(Math.abs(time.getTime() - Number(work?.storedAt)) < 5_000, `${work?.storedAt}`);
  }
  const { items } = await pendingWork(connection, "s");
  assert.deepEqual(items.map(({ work_sequence }) => work_sequence), [1, 2, 3, 4, 5, 6]);
  for (const index of all.keys()) {
    const [trace] = await traceWork(connection, { id: `w${index}` });
    assert.deepEqual([trace?.state, trace?.work_sequence], ["waiting", all.length + index + 1]);
  }
});

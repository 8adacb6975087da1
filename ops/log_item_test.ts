import assert from "node:assert/strict";
import fc from "fast-check";
import type { LogRecord } from "@ourocodus/bus";
import { logItem, logLine } from "./log_item.ts";

function record(text: string, more: Partial<LogRecord> = {}): LogRecord {
  return {
    sequence: 7,
    time: new Date(0),
    subject: "sessions.s.results.r",
    kind: "results",
    session: "s",
    role: "r",
    text,
    work: { sequence: 3, storedAt: new Date(0), identity: "3.0" },
    header: () => undefined,
    pending: 0,
    ...more,
  };
}

const OURS = {
  sequence: 7,
  time: "1970-01-01T00:00:00.000Z",
  kind: "result",
  session_id: "s",
  role: "r",
  work_sequence: 3,
  outcome: "done",
};

Deno.test("a message's own fields come first, and ours win", () => {
  const text = '{"id":"1","type":"result","payload":{"n":1},"sequence":"evil","more":[1]}';
  const expected = { id: "1", type: "result", payload: { n: 1 }, more: [1], ...OURS };
  assert.deepEqual(logItem(record(text)), expected);
  assert.deepEqual(JSON.parse(logLine(record(text)).json), expected);
});

Deno.test("a message's text stays as it is, on one line", () => {
  const { json } = logLine(
    record('{"id":"1",\r\n"type":"x",\n"payload":{"n":12345678901234567890}}\n'),
  );
  assert.ok(json.includes('"n":12345678901234567890}'), json);
  assert.ok(!/[\r\n]/.test(json));
});

Deno.test("what is no message stands in text, cut where it is huge", () => {
  const item = logItem(record("x".repeat(100_000)));
  assert.equal(item.id, null);
  assert.equal(item.text?.length, 65_536);
});

Deno.test("any text becomes one line of JSON that says the same as the object", () => {
  const message = fc.record({
    id: fc.stringMatching(/^[a-z]{1,9}$/),
    type: fc.constant("result"),
    payload: fc.dictionary(fc.string(), fc.jsonValue()),
  }).map((value) => JSON.stringify(value, undefined, 2));
  fc.assert(fc.property(fc.oneof(message, fc.string()), (text) => {
    const { json } = logLine(record(text));
    assert.ok(!/[\r\n]/.test(json));
    assert.deepEqual(JSON.parse(json), JSON.parse(JSON.stringify(logItem(record(text)))));
  }));
});

Deno.test("what became of work is what the stream has marked, not what the text says", () => {
  const text = '{"id":"1","type":"error","payload":{"code":"cancelled"},"outcome":"done"}';
  for (const outcome of ["failed", "dead", "cancelled"] as const) {
    const item = logItem(record(text, { header: () => outcome }));
    assert.equal(item.outcome, outcome);
  }
  assert.equal(logItem(record("no message")).outcome, "failed");
  const event = JSON.parse(logLine(record(text, { kind: "events" })).json);
  assert.equal(event.outcome, "done", "of an event it is the event's own field");
});

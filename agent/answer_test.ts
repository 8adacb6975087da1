import fc from "fast-check";
import assert from "node:assert/strict";
import { parseMessage } from "@ourocodus/protocol";
import { answerOf, fitted, payloadText, reportLine } from "./answer.ts";
import { RetryableError, WorkError } from "./errors.ts";

const attempt = { id: "w", lease: "L" };

function returned(value: unknown): { type: string; payload: Record<string, unknown> } {
  return JSON.parse(answerOf(attempt, { kind: "returned", value }).line);
}

function thrown(error: unknown): { type: string; payload: Record<string, unknown> } {
  return JSON.parse(answerOf(attempt, { kind: "thrown", error }).line);
}

Deno.test("an object is a result's payload as it is, anything else is wrapped", () => {
  assert.deepEqual(returned({ a: 1 }).payload, { a: 1 });
  assert.deepEqual(returned(undefined).payload, {});
  assert.deepEqual(returned(null).payload, { value: null });
  assert.deepEqual(returned("text").payload, { value: "text" });
  assert.deepEqual(returned([1, 2]).payload, { value: [1, 2] });
  assert.deepEqual(returned(false).payload, { value: false });
  const date = new Date(0);
  assert.deepEqual(returned(date).payload, { value: "1970-01-01T00:00:00.000Z" });
  assert.deepEqual(returned(new Map()).payload, {});
  assert.deepEqual(returned({ toJSON: () => [1] }).payload, { value: [1] });
});

Deno.test("a value without a JSON form becomes an error that says why", () => {
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const throwing = {
    get value() {
      throw new Error("no access");
    },
  };
  const reasons: [unknown, RegExp][] = [
    [cycle, /^Cannot send the result: Converting circular structure to JSON$/],
    [{ big: 1n }, /^Cannot send the result: Do not know how to serialize a BigInt$/],
    [throwing, /^Cannot send the result: no access$/],
    [() => {}, /^Cannot send the result: a function has no JSON form$/],
    [Symbol("s"), /^Cannot send the result: a symbol has no JSON form$/],
  ];
  for (const [value, message] of reasons) {
    const { type, payload } = returned(value);
    assert.deepEqual([type, payload.code], ["error", "result_not_json"]);
    assert.match(String(payload.message), message);
  }
});

Deno.test("details that refuse to be read leave an error with its code and message", () => {
  const details = {
    get value() {
      throw new Error("no access");
    },
  };
  const { type, payload } = thrown(new WorkError("bad", "it is bad", { details }));
  assert.deepEqual([type, payload.code, payload.message], ["error", "bad", "it is bad"]);
});

Deno.test("whatever is thrown has a message", () => {
  const secretive = {
    get message() {
      throw new Error("no");
    },
  };
  assert.deepEqual(thrown(new RangeError("far")).payload, { message: "far", name: "RangeError" });
  assert.deepEqual(thrown(new Error("")).payload, { message: "[object Error]", name: "Error" });
  assert.deepEqual(thrown("text").payload, { message: "text" });
  assert.deepEqual(thrown(7).payload, { message: "7" });
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  assert.deepEqual(thrown(proxy).payload, { message: "what was thrown has no text" });
  assert.deepEqual(thrown(null).payload, { message: "null" });
  assert.deepEqual(thrown(Symbol("s")).payload, { message: "Symbol(s)" });
  assert.deepEqual(thrown({ message: "m", code: 3, name: 4 }).payload, { message: "m", code: 3 });
  assert.deepEqual(thrown(Object.create(null)).payload, { message: "what was thrown has no text" });
  assert.deepEqual(thrown(secretive).payload, { message: "what was thrown has no text" });
  assert.equal(String(thrown(new Error("x".repeat(100_000))).payload.message).length, 8_193);
});

Deno.test("a retry carries its delay, moved into the limits", () => {
  const MONTH_MS = 30 * 86_400_000;
  const delay = (delayMs?: number) => thrown(new RetryableError("m", { delayMs })).payload.delay_ms;
  assert.deepEqual([delay(), delay(0), delay(2.6), delay(-1)], [1_000, 0, 3, 0]);
  assert.deepEqual([delay(NaN), delay(1e12), delay(Infinity)], [0, MONTH_MS, MONTH_MS]);
});

Deno.test("every outcome is one line with a valid message and the lease at its end", () => {
  const id = fc.string({ minLength: 1, maxLength: 100, unit: "grapheme" })
    .filter((id) => parseMessage(JSON.stringify({ id, type: "t", payload: {} })).kind === "ok");
  const kind = fc.constantFrom("returned", "thrown");
  const value = fc.anything({ withBigInt: true, withDate: true, withNullPrototype: true });
  fc.assert(fc.property(id, kind, value, (id, kind, value) => {
    const outcome = kind === "returned"
      ? { kind: "returned" as const, value }
      : { kind: "thrown" as const, error: value };
    const { line } = answerOf({ id, lease: "L" }, outcome);
    const parsed = parseMessage(line);
    assert.equal(parsed.kind, "ok");
    assert.equal(parsed.kind === "ok" && parsed.message.id, id);
    assert(line.endsWith(',"lease":"L"}'));
    assert(!line.includes("\n"));
  }));
});

Deno.test("an answer above the limit, counted in bytes, becomes an error with size and limit", () => {
  const answer = answerOf(attempt, { kind: "returned", value: { text: "ü".repeat(300) } });
  const bytes = new TextEncoder().encode(answer.line).length;
  assert.equal(fitted(answer, bytes), answer);
  const error = JSON.parse(fitted(answer, bytes - 1).line);
  assert.deepEqual(error.payload, {
    message: `Cannot send the result: it is ${bytes} bytes, limit is ${bytes - 1}`,
    name: "ResultTooLarge",
    code: "result_too_large",
  });
});

Deno.test("a report is a text, an object or a value", () => {
  const text = (payload: unknown) => {
    const line = reportLine(attempt, { type: "progress", payload });
    return line.kind === "ok" ? JSON.parse(line.text).payload : line.reason;
  };
  assert.deepEqual(text("half"), { message: "half" });
  assert.deepEqual(text({ percent: 50 }), { percent: 50 });
  assert.deepEqual(text(50), { value: 50 });
  assert.match(text(1n), /BigInt/);
  assert.deepEqual(payloadText(undefined), { kind: "ok", text: "{}" });
});

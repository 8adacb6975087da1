import assert from "node:assert/strict";
import fc from "fast-check";
import { type LineWork, parseWorkLine, workLines } from "./work_lines.ts";

const target = { session: "s", role: "r" };

async function read(
  bytes: Uint8Array,
  options: { readonly pieces?: number; readonly maxBytes?: number } = {},
): Promise<{ work: LineWork[]; bad: [number, string][] }> {
  const { pieces = 1, maxBytes = 1_000 } = options;
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes.length; at += size) {
      yield await Promise.resolve(bytes.subarray(at, at + size));
    }
  }
  const bad: [number, string][] = [];
  const onBadLine = (line: number, reason: string) => void bad.push([line, reason]);
  return { work: await Array.fromAsync(workLines(chunks(), { target, maxBytes, onBadLine })), bad };
}

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("a string is a message, an object a payload, and both get session and role", () => {
  for (
    const [line, payload] of [
      ['"hello"', { session_id: "s", role: "r", message: "hello" }],
      ['{"a":1}', { session_id: "s", role: "r", a: 1 }],
      ['{"role":"mine","id":"x"}', { session_id: "s", role: "mine", id: "x" }],
    ] as const
  ) {
    const parsed = parseWorkLine(line, target);
    assert(parsed.kind === "work");
    assert.deepEqual(JSON.parse(parsed.text), { id: parsed.id, type: "work", payload });
  }
});

Deno.test("an object with id, type and payload is a whole message, and its text stays as it is", () => {
  const line = '  {"id": "7", "type": "job", "payload": {}, "big": 12345678901234567890}\r';
  assert.deepEqual(parseWorkLine(line, target), { kind: "work", id: "7", text: line.trim() });
});

Deno.test("what is no work is named with what is wrong", () => {
  const reason = (line: string) => {
    const parsed = parseWorkLine(line, target);
    return parsed.kind === "bad" ? parsed.reason : parsed.kind;
  };
  assert.match(reason("{"), /^not valid JSON/);
  assert.equal(reason("[1]"), "must be a JSON object or a string, got an array");
  assert.equal(
    reason('{"id":7,"type":"work","payload":{}}'),
    "message id must be a string, got a number",
  );
  assert.match(
    reason('{"id":"7","type":"relay.error","payload":{}}'),
    /"relay.error".*reserved/,
  );
  assert.equal(reason("  \t"), "blank");
});

Deno.test("lines are numbered, blank ones passed over, bad ones told, the rest is work", async () => {
  const { work, bad } = await read(encode('\ufeff"a"\n\n\r\nnope\n{"b":1}\r\n"c"'));
  assert.deepEqual(work.map(({ line }) => line), [1, 5, 6]);
  assert.deepEqual(bad.map(([line]) => line), [4]);
});

Deno.test("a line over the limit and one that is not UTF-8 are told, and the next is read", async () => {
  const bytes = Uint8Array.from([
    ...encode(`"${"x".repeat(5_000)}"\n`),
    ...[0x22, 0xff, 0x22, 0x0a],
    ...encode('"fine"\n'),
    ...encode("y".repeat(2_000)),
  ]);
  for (const pieces of [1, 3, 50, 7_000]) {
    const { work, bad } = await read(bytes, { pieces });
    assert.deepEqual(work.map(({ line }) => line), [3]);
    assert.deepEqual(bad, [
      [1, "more than 1000 bytes, which is the server's limit"],
      [2, "not valid UTF-8"],
      [4, "more than 1000 bytes, which is the server's limit"],
    ]);
  }
});

Deno.test("however the bytes are cut into pieces, the work is the same", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 200 }), async (texts, pieces) => {
      const bytes = encode(texts.map((text) => JSON.stringify(text)).join("\n"));
      const { work, bad } = await read(bytes, { pieces });
      assert.deepEqual(bad, []);
      assert.deepEqual(work.map(({ text }) => JSON.parse(text).payload.message), texts);
    }),
  );
});

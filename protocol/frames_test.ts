import assert from "node:assert/strict";
import fc from "fast-check";
import {
  appendLease,
  FRAME_CHARACTERS,
  joinFrames,
  RELAY_ERROR_CODES,
  singleLine,
  spliceLease,
  splitFrame,
} from "./frames.ts";
import { stripLease } from "./strip_lease.ts";

const LEASE = "$JS.ACK.OUROCODUS_WORK.s=r.1.7.7.1795459357920106100.0";
/** A JSON object of one field or more, as anyone may format it: raw line breaks, unicode, own leases. */
const objects = fc.tuple(
  fc.dictionary(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("id", "attempt", "lease", "a}")),
    fc.oneof(fc.jsonValue({ noUnicodeString: false }), fc.constantFrom("}", "\n", '"lease":"x"}')),
    { minKeys: 1, noNullPrototype: true },
  ),
  fc.constantFrom(undefined, 2, "\t", "\n"),
  fc.constantFrom("", "\n", " \r\n\t", "\n\n"),
).map(([value, indent, around]) => {
  const text = `${around}${JSON.stringify(value, null, indent)}${around}`;
  return { text, value: JSON.parse(text) as Record<string, unknown> };
});

/** The fields without those that a lease adds: an object's own `__proto__` field included. */
function fields(value: Record<string, unknown>, ...without: string[]): [string, unknown][] {
  return Object.entries(value).filter(([name]) => !without.includes(name));
}

Deno.test("a spliced work message is one line, with attempt and lease and all else untouched", () => {
  fc.assert(fc.property(objects, fc.nat(), ({ text, value }, attempt) => {
    const spliced = spliceLease(text, attempt, LEASE);
    assert.ok(!spliced.includes("\n"));
    const parsed = JSON.parse(spliced) as Record<string, unknown>;
    assert.equal(parsed.attempt, attempt);
    assert.equal(parsed.lease, LEASE);
    assert.deepEqual(
      fields(parsed, "attempt", "lease"),
      fields(value, "attempt", "lease"),
    );
  }));
});

Deno.test("an appended lease is stripped again, and what is left means the same", () => {
  fc.assert(fc.property(objects, ({ text, value }) => {
    const appended = appendLease(text, LEASE);
    assert.equal(JSON.parse(appended).lease, LEASE);
    const stripped = stripLease(appended, LEASE);
    assert.deepEqual(fields(JSON.parse(stripped)), fields(value));
  }));
});

Deno.test("joining and splitting neither loses nor reorders a message", () => {
  fc.assert(fc.property(fc.array(objects), (messages) => {
    const lines = messages.map(({ text }) => singleLine(text));
    assert.deepEqual(joinFrames(lines).flatMap(splitFrame), lines);
  }));
});

Deno.test("frames are as few as stay below the limit, and a longer message has one to itself", () => {
  const lengths = fc.array(
    fc.oneof(fc.nat(50), fc.integer({ min: 1, max: FRAME_CHARACTERS + 10 })),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(lengths, (sizes) => {
      const lines = sizes.map((size, index) => String(index % 10).repeat(size + 1));
      const frames = joinFrames(lines);
      assert.deepEqual(frames.flatMap(splitFrame), lines);
      for (const [index, frame] of frames.entries()) {
        const parts = frame.split("\n");
        if (parts.length > 1) assert.ok(frame.length <= FRAME_CHARACTERS + 1);
        const next = frames[index + 1]?.split("\n")[0];
        if (next !== undefined) assert.ok(frame.length + next.length >= FRAME_CHARACTERS);
      }
    }),
    { numRuns: 50 },
  );
});

Deno.test("blank frames and blank lines hold no message", () => {
  for (const frame of ["", " ", "\n", "\n\n", " \n\t\n\r\n"]) {
    assert.deepEqual(splitFrame(frame), []);
  }
  assert.deepEqual(splitFrame('\n{"a":1}\n\n{"b":2}\n'), ['{"a":1}', '{"b":2}']);
  assert.deepEqual(splitFrame('{"a":1}\r\n{"b":2}').map((line) => JSON.parse(line)), [
    { a: 1 },
    { b: 2 },
  ]);
  assert.deepEqual(joinFrames([]), []);
});

Deno.test("PROTOCOL.md explains every code of relay.error, and no other", async () => {
  const text = await Deno.readTextFile(new URL("../PROTOCOL.md", import.meta.url));
  const [, table = ""] = /^(\| `relay\.error` code[^]*?)\n\n/m.exec(text) ?? [];
  const explained = Array.from(table.matchAll(/^\| `(\w+)` /gm), ([, code]) => code);
  assert.deepEqual(explained, [...RELAY_ERROR_CODES]);
});

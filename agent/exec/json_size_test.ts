import assert from "node:assert/strict";
import fc from "fast-check";
import { cutBeginning, cutEnd, jsonSize } from "./json_size.ts";

function inString(text: string): number {
  return jsonSize([text]) - jsonSize([""]);
}

Deno.test("what is cut fits, and one character more would not", () => {
  const text = fc.string({ unit: "binary", maxLength: 40 });
  fc.assert(fc.property(text, fc.nat(120), (text, limit) => {
    const head = cutEnd(text, limit);
    assert(text.startsWith(head) && inString(head) <= limit);
    const [next] = text.slice(head.length);
    if (next !== undefined) assert(inString(head + next) > limit);
    const tail = cutBeginning(text, limit);
    assert(text.endsWith(tail) && inString(tail) <= limit);
    const before = [...text.slice(0, text.length - tail.length)].at(-1);
    if (before !== undefined) assert(inString(before + tail) > limit);
  }));
});

Deno.test("nothing is left where there is no room", () => {
  assert.deepEqual([cutEnd("abc", -5), cutBeginning("abc", -5), cutEnd("🐍", 3)], ["", "", ""]);
  assert.deepEqual([cutEnd("a🐍b", 5), cutBeginning("a🐍b", 5)], ["a🐍", "🐍b"]);
});

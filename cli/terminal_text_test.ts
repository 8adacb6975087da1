import assert from "node:assert/strict";
import fc from "fast-check";
import { harmless, harmlessJson, localTime, paint, span } from "./terminal_text.ts";

Deno.test("harmless leaves text alone and escapes what would move or recolour a terminal", () => {
  assert.equal(harmless("größer 日本 👩‍👩‍👧 ✓"), "größer 日本 👩‍👩‍👧 ✓");
  assert.equal(
    harmless("a\x1b[31mred\x07\r\n\t\x9b2J"),
    "a\\u001b[31mred\\u0007\\r\\n\\t\\u009b2J",
  );
  assert.equal(harmless("user\u202egnp.exe\u2028"), "user\\u202egnp.exe\\u2028");
  assert.equal(harmless("\ud800"), "\\ud800");
});

Deno.test("nothing that harmless returns is a control character or a second line", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(harmless(text), /[\x00-\x1f\x7f-\x9f\u2028\u2029\u202e]/);
  }));
});

Deno.test("harmlessJson keeps the value", () => {
  fc.assert(fc.property(fc.jsonValue(), (value) => {
    const json = JSON.stringify(value);
    assert.deepEqual(JSON.parse(harmlessJson(json)), JSON.parse(json));
  }));
  assert.equal(harmlessJson('"\x9b\u202e"'), '"\\u009b\\u202e"');
});

Deno.test("paint without colour is the text itself", () => {
  assert.equal(paint(false).red("x"), "x");
  assert.equal(paint(true).red("x"), "\x1b[31mx\x1b[0m");
});

Deno.test("spans and times are short", () => {
  assert.deepEqual([0.4, 12, 3_400, 90_000, 7_200_000].map(span), [
    "0 ms",
    "12 ms",
    "3.4 s",
    "1.5 min",
    "2 h",
  ]);
  assert.equal(localTime(new Date(2026, 0, 2, 3, 4, 5, 6)), "2026-01-02 03:04:05.006");
});

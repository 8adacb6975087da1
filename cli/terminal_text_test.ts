import assert from "node:assert/strict";
import fc from "fast-check";
import { harmless, harmlessJson, harmlessLines, localTime, paint, span } from "./terminal_text.ts";

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

Deno.test("text of many lines keeps lines, tabs and colours, which end with it", () => {
  assert.equal(harmlessLines("one\r\n\ttwo\n", true), "one\n\ttwo\n");
  assert.equal(harmlessLines("\x1b[1;38;5;8mred", true), "\x1b[1;38;5;8mred\x1b[0m");
  assert.equal(harmlessLines("\x1b[31mred\n", true), "\x1b[31mred\x1b[0m\n");
  assert.equal(harmlessLines("\x1b[31mred\x1b[m\n", false), "red\n");
});

Deno.test("what would move the cursor, set a title, link, hide or reorder text is gone or escaped", () => {
  for (
    const [text, shown] of [
      ["a\x1b[2J\x1b[1;1Hb", "ab"],
      ["\x1b]0;title\x07a\x1b]8;;https://evil\x1b\\b\x1b]8;;\x1b\\", "ab"],
      ["\x1bP1$r0m\x1b\\a\x1b_x\x1b\\\x1bc", "a"],
      ["\x1b]52;c;Zm9v", "\\u001b]52;c;Zm9v"],
      ["\x1b[31", "\\u001b[31"],
      ["\x1b[8mhidden\x1b[0;08m\x1b[38;5;1;8mtoo", "hiddentoo"],
      ["\x9b31m\x9d0;t\x9c", "\\u009b31m\\u009d0;t\\u009c"],
      ["good\rbad\b\x07", "good\\rbad\\u0008\\u0007"],
      ["\u202etxt.exe\u2066\u2028", "\\u202etxt.exe\\u2066\\u2028"],
      ["\x1b[?1049h\x1b[6n\x1b[>4;1m\x1b[ q", ""],
    ] as const
  ) assert.equal(harmlessLines(text, true), shown);
});

Deno.test("nothing that harmlessLines returns is a control but line breaks, tabs and colours", () => {
  const part = fc.oneof(
    fc.constantFrom("\x1b", "[", "]", "\x1b[31m", "8;;", "m", "\x1b\\", "\x07", "\x9b", "H", ";8"),
    fc.string({ unit: "binary", maxLength: 3 }),
  );
  fc.assert(fc.property(fc.array(part), fc.boolean(), (parts, hasColor) => {
    const shown = harmlessLines(parts.join(""), hasColor);
    // deno-lint-ignore no-control-regex
    const rest = shown.replaceAll(/\x1b\[[0-9;:]*m/g, "");
    if (!hasColor) assert.equal(rest, shown);
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(rest, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]/);
    // deno-lint-ignore no-control-regex
    if (rest !== shown) assert.match(shown, /\x1b\[0m\n?$/);
  }));
});

Deno.test("a text of a megabyte that is all beginnings of sequences takes no time", () => {
  const began = performance.now();
  for (const part of ["\x1b]", `\x1b]${"a".repeat(2_000)}`, "\x1b[1;"]) {
    harmlessLines(part.repeat(Math.ceil(1_000_000 / part.length)), true);
  }
  assert.ok(performance.now() - began < 10_000);
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

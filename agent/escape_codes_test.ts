import assert from "node:assert/strict";
import { withoutEscapeCodes } from "./escape_codes.ts";

Deno.test("colours, titles, links and the cursor go, the text stays", () => {
  const text = "\x1b[1;31mred\x1b[m \x1b]0;title\x07a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\" +
    "\x1b[?2004h\x1b[2J\x1b(B\x1b7\x1b8\x1b=\x1bPq\x1b\\é\x1b[38:2::1:2:3m!";
  assert.equal(withoutEscapeCodes(text), "red alinké!");
  assert.equal(withoutEscapeCodes("[1m \u009b \\u001b[0m"), "[1m \u009b \\u001b[0m");
});

Deno.test("codes that do not end stay, and take no time", () => {
  for (const text of ["\x1b]0;title", "\x1b[12", "\x1b", "\x1bP1"]) {
    assert.equal(withoutEscapeCodes(text), text);
  }
  const begun = performance.now();
  const many = "\x1b]".repeat(500_000) + "\x1bP".repeat(500_000) + "\x1b[" + "0".repeat(500_000);
  assert.equal(withoutEscapeCodes(many), many);
  assert(performance.now() - begun < 5_000);
});

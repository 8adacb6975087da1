import assert from "node:assert/strict";
import fc from "fast-check";
import { CLOSE, closeReason, MAX_REASON_BYTES, mayReconnect } from "./close_codes.ts";

const UTF8 = new TextEncoder();

Deno.test("a close reason is at most 123 bytes of UTF-8 and begins like the text", () => {
  const texts = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.string({ unit: fc.constantFrom("a", "é", "€", "🦊", "\ud800"), maxLength: 300 }),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const reason = closeReason(text);
      const bytes = UTF8.encode(reason);
      assert.ok(bytes.length <= MAX_REASON_BYTES);
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      const shown = UTF8.encode(text);
      if (shown.length <= MAX_REASON_BYTES) assert.equal(reason, text);
      else assert.ok(text.toWellFormed().replace(/^\ufeff/, "").startsWith(reason.slice(0, -1)));
    }),
    { numRuns: 300 },
  );
});

Deno.test("a reason is cut between characters, and says so", () => {
  assert.equal(closeReason("x".repeat(123)), "x".repeat(123));
  assert.equal(closeReason("x".repeat(124)), `${"x".repeat(120)}…`);
  assert.equal(closeReason(`${"x".repeat(119)}🦊🦊`), `${"x".repeat(119)}…`);
});

Deno.test("every code of ours is one that WebSocket.close takes, and its range says whether to return", () => {
  for (const { code, meaning } of Object.values(CLOSE)) {
    assert.ok(code === 1007 || code === 1009 || (code >= 4000 && code <= 4999));
    assert.equal(closeReason(meaning), meaning);
  }
  const codes = Object.values(CLOSE).map(({ code }) => code);
  assert.equal(new Set(codes).size, codes.length);
  assert.deepEqual(
    [0, 1000, 1006, 1007, 1009, 4000, 4001, 4002, 4499, 4500, 4999, 5000].map(mayReconnect),
    [true, true, true, true, true, true, true, true, true, false, false, true],
  );
});

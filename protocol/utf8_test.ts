import assert from "node:assert/strict";
import fc from "fast-check";
import { bytesBeyond, decodeUtf8 } from "./utf8.ts";

Deno.test("bytes are decoded if they are UTF-8, and only then", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    const whole = `${text}\ufffd`;
    assert.equal(decodeUtf8(new TextEncoder().encode(whole)), whole);
    assert.equal(decodeUtf8(new Uint8Array([...new TextEncoder().encode(text), 0xff])), undefined);
  }));
});

Deno.test("the size of a text is that of its UTF-8", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), fc.nat(100), (text, limit) => {
    const bytes = new TextEncoder().encode(text).length;
    assert.equal(bytesBeyond(text, limit), bytes > limit ? bytes : undefined);
  }));
});

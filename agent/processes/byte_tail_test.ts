import assert from "node:assert/strict";
import fc from "fast-check";
import { ByteTail } from "./byte_tail.ts";

Deno.test("the last bytes are kept, in whatever pieces they come", () => {
  const chunks = fc.array(fc.string({ maxLength: 12 }), { maxLength: 8 });
  fc.assert(fc.property(chunks, (chunks) => {
    const tail = new ByteTail(10);
    for (const chunk of chunks) tail.add(new TextEncoder().encode(chunk));
    const all = chunks.join("");
    assert.equal(tail.text(), all.slice(-10));
    assert.equal(tail.isCut, all.length > 10);
  }));
});

Deno.test("a character that is cut in two is not in it", () => {
  for (const limit of [4, 5, 6, 7]) {
    const tail = new ByteTail(limit);
    tail.add(new TextEncoder().encode("xx🐍🐍"));
    assert.equal(tail.text(), "🐍");
  }
});

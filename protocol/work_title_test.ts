import assert from "node:assert/strict";
import { workTitle } from "./work_title.ts";

Deno.test("a title is the payload's, else the message's first line, cut to what git shows", () => {
  assert.equal(workTitle({ message: "one\ntwo" }), "one");
  assert.equal(workTitle({ message: "m", title: " Mend it " }), "Mend it");
  assert.equal(workTitle({ message: "m", title: " " }), "m");
  assert.equal(workTitle({ message: "m", title: 17 }), "m");
  assert.equal(workTitle({ message: "x".repeat(100) }), `${"x".repeat(71)}…`);
  assert.equal(workTitle({ message: "x".repeat(72) }), "x".repeat(72));
});

Deno.test("a payload without words has no title", () => {
  assert.equal(workTitle({}), undefined);
  assert.equal(workTitle({ message: { text: "a" } }), undefined);
});

Deno.test("a title has nothing that a terminal acts on", () => {
  assert.equal(workTitle({ message: "a\u001b[31mred\u0007 \u202eb\0c" }), "a [31mred   b c");
  assert.equal(workTitle({ message: "a\rb" }), "a");
  assert.equal(workTitle({ message: `${"x".repeat(70)}😀y` })?.isWellFormed(), true);
});

import assert from "node:assert/strict";
import { assignmentOf } from "./assignment.ts";

function titleOf(payload: Record<string, unknown>): string {
  const message = { id: "a", type: "work", payload };
  const work = { id: "a", type: "work", payload, attempt: 1, sequence: 1, key: "1.1", message };
  return assignmentOf(work).title;
}

Deno.test("a title is the payload's, else the message's first line, cut to what git shows", () => {
  assert.equal(titleOf({ message: "one\ntwo" }), "one");
  assert.equal(titleOf({ message: "m", title: " Mend it " }), "Mend it");
  assert.equal(titleOf({ message: "x".repeat(100) }), `${"x".repeat(71)}…`);
});

Deno.test("a title has nothing that a terminal acts on", () => {
  assert.equal(titleOf({ message: "a\u001b[31mred\u0007 \u202eb\0c" }), "a [31mred   b c");
  assert.equal(titleOf({ message: "a\rb" }), "a");
});

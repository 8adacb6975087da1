import assert from "node:assert/strict";
import { assignmentOf } from "./assignment.ts";

async function titleOf(payload: Record<string, unknown>): Promise<string> {
  const message = { id: "a", type: "work", payload };
  const work = { id: "a", type: "work", payload, attempt: 1, sequence: 1, key: "1.1", message };
  return (await assignmentOf(work)).title;
}

Deno.test("a title is the payload's, else the message's first line, cut to what git shows", async () => {
  assert.equal(await titleOf({ message: "one\ntwo" }), "one");
  assert.equal(await titleOf({ message: "m", title: " Mend it " }), "Mend it");
  assert.equal(await titleOf({ message: "x".repeat(100) }), `${"x".repeat(71)}…`);
});

Deno.test("a title has nothing that a terminal acts on", async () => {
  assert.equal(await titleOf({ message: "a\u001b[31mred\u0007 \u202eb\0c" }), "a [31mred   b c");
  assert.equal(await titleOf({ message: "a\rb" }), "a");
});

import assert from "node:assert/strict";
import { assignmentOf } from "./assignment.ts";

Deno.test("a commit is named after the work's title, if it has one", async () => {
  assert.equal(await titleOf({ message: "m", title: "Mend it" }), "Mend it");
  assert.equal(await titleOf({ message: "one\ntwo" }), "one");
});

async function titleOf(payload: Record<string, unknown>): Promise<string> {
  const message = { id: "a", type: "work", payload };
  const work = { id: "a", type: "work", payload, attempt: 1, sequence: 1, key: "1.1", message };
  return (await assignmentOf(work)).title;
}

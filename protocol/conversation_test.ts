import assert from "node:assert/strict";
import {
  beginningOf,
  conversationBegunBy,
  conversationOf,
  invalidConversation,
} from "./conversation.ts";

const WORK = { id: "1", type: "work", payload: { conversation: "in the payload" } };

Deno.test("a conversation is a name next to the payload", () => {
  assert.equal(conversationOf(WORK), undefined);
  assert.equal(invalidConversation(WORK), undefined);
  for (const conversation of ["a", "work-17", "__proto__", "-", "x".repeat(64)]) {
    const work = { ...WORK, conversation };
    assert.deepEqual([conversationOf(work), invalidConversation(work)], [conversation, undefined]);
  }
  for (
    const conversation of [null, "", "a b", "a.b", "*", "ä", "x".repeat(65), 7, {}, ["a"], true]
  ) {
    const work = { ...WORK, conversation };
    assert.equal(conversationOf(work), undefined);
    assert.match(invalidConversation(work) ?? "", /^conversation (is|must) /);
  }
});

Deno.test("a conversation that work begins is named after its sequence, and no other is", () => {
  assert.equal(beginningOf(conversationBegunBy(17)), 17);
  const others = ["work-0", "work-01", "work-", "work-1x", "x-1", "work-9007199254740993", "17"];
  for (const other of others) assert.equal(beginningOf(other), undefined, other);
});

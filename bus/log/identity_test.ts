import assert from "node:assert/strict";
import {
  deadLetterId,
  identifiedWork,
  markedIdentity,
  plainIdentity,
  workIdentity,
} from "./identity.ts";

Deno.test("an identity, its dead letter's and both with marks name the same work", () => {
  const work = workIdentity({ sequence: 7, timeNs: "1795459357920106100" });
  assert.equal(work, "7.1795459357920106100");
  for (const identity of [work, deadLetterId(work)]) {
    for (const marked of [identity, markedIdentity(identity), markedIdentity(`${identity}~`)]) {
      assert.equal(identifiedWork(marked), work);
      assert.equal(plainIdentity(marked), identity);
    }
  }
  assert.notEqual(deadLetterId(work), work);
});

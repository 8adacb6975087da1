import assert from "node:assert/strict";
import { deadLetterId, identifiedWork, workIdentity } from "./identity.ts";

Deno.test("an identity, its dead letter's, and those that versions before marked, name the same work", () => {
  const work = workIdentity({ sequence: 7, timeNs: "1795459357920106100" });
  assert.equal(work, "7.1795459357920106100");
  for (const identity of [work, deadLetterId(work)]) {
    for (const marks of ["", "~", "~~"]) assert.equal(identifiedWork(`${identity}${marks}`), work);
  }
  assert.notEqual(deadLetterId(work), work);
});

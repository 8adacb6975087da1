import assert from "node:assert/strict";
import { Allowance } from "./allowance.ts";

Deno.test("as many as are allowed at once, and as many again over a while", () => {
  const allowance = new Allowance(3, 300);
  const taken = (now: number) => [1, 2, 3, 4].filter(() => allowance.take(now)).length;
  assert.equal(taken(1_000), 3);
  assert.equal(taken(1_099), 0);
  assert.equal(taken(1_100), 1);
  assert.equal(taken(1_250), 1);
  assert.equal(taken(1_300), 1, "the half before is not lost");
  assert.equal(taken(9_000), 3, "never more than at once");
});

Deno.test("an allowance of none allows none", () => {
  const allowance = new Allowance(0, 1_000);
  assert.deepEqual([allowance.take(0), allowance.take(1e9)], [false, false]);
});

import fc from "fast-check";
import assert from "node:assert/strict";
import { fullJitterMs } from "./backoff.ts";

const limits = fc.record({
  baseMs: fc.integer({ min: 1, max: 10_000 }),
  capMs: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
});
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

Deno.test("a wait is whole, not negative, and below both its bound and the cap", () => {
  fc.assert(fc.property(fc.nat(), limits, random, (failures, options, chance) => {
    const wait = fullJitterMs(failures, options, chance);
    assert(Number.isInteger(wait) && wait >= 0, `${wait}`);
    assert(wait < options.capMs && wait < options.baseMs * 2 ** failures, `${wait}`);
  }));
});

Deno.test("a wait can be anything from nothing to its bound", () => {
  const options = { baseMs: 1_000, capMs: 60_000 };
  assert.equal(fullJitterMs(3, options, 0), 0);
  assert.equal(fullJitterMs(3, options, 0.5), 4_000);
  assert.equal(fullJitterMs(3, options, 0.999_999), 7_999);
  assert.equal(fullJitterMs(60, options, 0.5), 30_000);
});

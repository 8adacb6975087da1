import assert from "node:assert/strict";
import { latency, median } from "./percentiles.ts";

Deno.test("percentiles of values in any order", () => {
  const values = Float64Array.from({ length: 1_001 }, (_, index) => (index * 8) % 1_001);
  assert.deepEqual(latency(values), { p50: 500, p99: 990, p999: 999, max: 1_000 });
  assert.deepEqual(latency(Float64Array.of(3)), { p50: 3, p99: 3, p999: 3, max: 3 });
});

Deno.test("the median is the middle one, the lower one of two", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1]), 1);
  assert.equal(median([]), undefined);
});

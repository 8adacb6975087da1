import assert from "node:assert/strict";
import fc from "fast-check";
import { chunks } from "./chunks.ts";

Deno.test("chunks keep every item in order, within their limits, and begin no list too early", () => {
  const items = fc.array(fc.nat({ max: 20 }));
  const limits = fc.tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 5 }));
  fc.assert(fc.property(items, limits, (all, [limit, maxItems]) => {
    const lists = chunks(all, { limit, sizeOf: (item) => item, maxItems });
    const sum = (list: readonly number[]) => list.reduce((one, other) => one + other, 0);
    assert.deepEqual(lists.flat(), all);
    lists.forEach((list, index) => {
      assert.ok(list.length > 0 && list.length <= maxItems);
      assert.ok(list.length === 1 || sum(list) <= limit);
      const next = lists[index + 1]?.[0];
      if (next !== undefined) assert.ok(list.length === maxItems || sum(list) + next > limit);
    });
  }));
});

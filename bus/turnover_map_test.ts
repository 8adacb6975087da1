import assert from "node:assert/strict";
import fc from "fast-check";
import { TurnoverMap } from "./turnover_map.ts";

type Step = { readonly kind: "set" | "delete" | "get"; readonly key: number };

const STEP: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom("set", "set", "delete", "delete", "get"),
  key: fc.nat({ max: 60 }),
});

Deno.test("a turnover map holds what a map would, in the same order", () => {
  fc.assert(fc.property(fc.array(STEP, { maxLength: 2_000, size: "max" }), (steps) => {
    const [ours, theirs] = [new TurnoverMap<number, object>(), new Map<number, object>()];
    for (const { kind, key } of steps) {
      if (kind === "delete") {
        assert.equal(ours.delete(key), theirs.delete(key));
      } else if (kind === "get") {
        assert.equal(ours.get(key), theirs.get(key));
      } else {
        const value = {};
        ours.set(key, value);
        theirs.set(key, value);
      }
      assert.equal(ours.size, theirs.size);
    }
    assert.deepEqual([...ours.entries()], [...theirs.entries()]);
    assert.ok([...ours.values()].every((value, index) => value === [...theirs.values()][index]));
  }));
});

Deno.test("what is removed from a turnover map while it is gone through is left out", () => {
  const map = new TurnoverMap<number, { readonly number: number }>();
  for (let number = 0; number < 1_000; number++) map.set(number, { number });
  const seen: number[] = [];
  for (const { number } of map.values()) {
    seen.push(number);
    map.delete(number + 1);
    map.delete(number - 1);
    map.delete(number);
  }
  assert.deepEqual(seen, Array.from({ length: 500 }, (_, index) => index * 2));
});

Deno.test("a value is removed only if it is the key's", () => {
  const map = new TurnoverMap<number, { readonly name: string }>();
  const [one, other] = [{ name: "one" }, { name: "other" }];
  map.set(1, one);
  assert.deepEqual([map.delete(1, other), map.size], [false, 1]);
  assert.deepEqual([map.delete(1, one), map.size, map.delete(1, one)], [true, 0, false]);
});

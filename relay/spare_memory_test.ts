import assert from "node:assert/strict";
import { garbageCollector, SpareMemory } from "./spare_memory.ts";

Deno.test("what many agents leave behind is collected once, when no more come", () => {
  let [changes, collected] = [0, 0];
  const memory = new SpareMemory(() => changes, () => collected++);
  const look = (more: number) => {
    changes += more;
    memory.look();
    return collected;
  };
  assert.equal(look(0), 0, "nobody has come");
  assert.equal(look(999), 0, "they still come");
  assert.equal(look(0), 0, "those are few");
  assert.equal(look(1), 0, "they still come");
  assert.equal(look(0), 1);
  assert.equal(look(0), 1, "it was done");
  assert.equal(look(5_000), 1);
  assert.equal(look(0), 2);
  memory.close();
});

Deno.test("V8's collector gives memory back", () => {
  const collect = garbageCollector();
  assert.ok(collect);
  let garbage: unknown[] = Array.from({ length: 500_000 }, (_, index) => ({ index }));
  const before = Deno.memoryUsage().heapUsed;
  assert.equal(garbage.length, 500_000);
  garbage = [];
  collect();
  assert.ok(before - Deno.memoryUsage().heapUsed > 5_000_000);
});

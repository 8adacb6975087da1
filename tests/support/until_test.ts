import assert from "node:assert/strict";
import { until, UntilError } from "./until.ts";

Deno.test("until returns the truthy value of a condition that holds later", async () => {
  let looks = 0;
  const value = await until(() => ++looks === 3 ? { looks } : undefined);
  assert.deepEqual(value, { looks: 3 });
});

Deno.test("until awaits an async condition", async () => {
  let looks = 0;
  assert.equal(await until(async () => await Promise.resolve(++looks) === 2 && "done"), "done");
});

Deno.test("until says what it waited for", async () => {
  await assert.rejects(
    until(() => false, { timeoutMs: 1, message: "the moon" }),
    (error) => error instanceof UntilError && error.message === "Waited 1 ms for the moon",
  );
});

Deno.test("until ends in time although its condition never settles", async () => {
  const never = Promise.withResolvers<boolean>();
  await assert.rejects(until(() => never.promise, { timeoutMs: 20 }), UntilError);
});

Deno.test("until throws on what its condition throws", async () => {
  await assert.rejects(
    until(() => {
      throw new RangeError("broken");
    }),
    RangeError,
  );
});

import assert from "node:assert/strict";
import { addUsage } from "./usage.ts";

Deno.test("usages are added as far as they are known, and unknown is never zero", () => {
  const euros = { amount: 1, currency: "EUR" };
  assert.deepEqual(addUsage({}, {}), {});
  assert.deepEqual(
    addUsage({ input_tokens: 1, cost: euros }, { input_tokens: 2, output_tokens: 3 }),
    { input_tokens: 3, output_tokens: 3, cost: euros },
  );
  assert.deepEqual(addUsage({ cost: euros }, { cost: { amount: 2.5, currency: "EUR" } }), {
    cost: { amount: 3.5, currency: "EUR" },
  });
  const dollars = { amount: 2, currency: "USD" };
  assert.deepEqual(addUsage({ cost: euros }, { cost: dollars }), { cost: dollars });
});

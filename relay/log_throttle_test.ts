import assert from "node:assert/strict";
import { LogThrottle } from "./log_throttle.ts";

Deno.test("of lines of one kind one a second is said, with how many were not", () => {
  const throttle = new LogThrottle();
  assert.deepEqual(throttle.pass(0), {});
  for (let ms = 1; ms < 1_000; ms++) assert.equal(throttle.pass(ms), undefined);
  assert.deepEqual(throttle.pass(1_000), { unsaid: 999 });
  assert.deepEqual(throttle.pass(2_000), {});
});

import assert from "node:assert/strict";
import { workLimits } from "./work_limits.ts";

const message = (fields: object, payload = {}) => ({ id: "1", type: "work", payload, ...fields });

Deno.test("a message says its limits next to its payload, or in it", () => {
  assert.equal(workLimits(message({})), undefined);
  const both = { deadlineMs: 5, noProgressMs: 7 };
  assert.deepEqual(workLimits(message({ deadline_ms: 5, no_progress_ms: 7 })), both);
  assert.deepEqual(workLimits(message({}, { deadline_ms: 5, no_progress_ms: 7 })), both);
  assert.deepEqual(workLimits(message({ deadline_ms: 5 }, { deadline_ms: 6 })), { deadlineMs: 5 });
});

Deno.test("what is no limit is named, but not in a payload, which is for agents", () => {
  const bad: [unknown, string][] = [
    [0, "0"],
    [1.5, "1.5"],
    [2_592_000_001, "2592000001"],
    ["5", "a string"],
    [null, "null"],
  ];
  for (const [value, shown] of bad) {
    const rule = `is ${shown}, allowed is a whole number from 1 to 2592000000`;
    assert.equal(workLimits(message({ deadline_ms: value })), `deadline_ms ${rule}`);
    assert.equal(workLimits(message({ no_progress_ms: value })), `no_progress_ms ${rule}`);
    assert.equal(workLimits(message({}, { deadline_ms: value, no_progress_ms: value })), undefined);
  }
});

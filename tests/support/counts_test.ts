import assert from "node:assert/strict";
import { countsOf, formatCounts, readSummary } from "./counts.ts";

Deno.test("readSummary reads every form of the summary line", () => {
  const cases: [string, [number, number, number]][] = [
    ["ok | 5 passed | 0 failed (12ms)", [5, 0, 0]],
    ["FAILED | 3 passed (1 step) | 3 failed (1 step) | 1 ignored (1 step) (152ms)", [3, 3, 1]],
    ["ok | 1 passed (12 steps) | 0 failed | 2 ignored | 4 filtered out (1m2s)", [1, 0, 2]],
    ["\x1b[0m\x1b[32mok\x1b[0m | 7 passed | 0 failed \x1b[38;5;245m(2s)\x1b[0m", [7, 0, 0]],
  ];
  for (const [line, [passed, failed, skipped]] of cases) {
    assert.deepEqual(readSummary(`running\n\n${line}\n\n`), { passed, failed, skipped }, line);
  }
});

Deno.test("readSummary takes the last summary, since a test may print one", () => {
  const output = "ok | 1 passed | 0 failed (1ms)\nFAILED | 2 passed | 1 failed (1ms)\n";
  assert.deepEqual(readSummary(output), { passed: 2, failed: 1, skipped: 0 });
});

Deno.test("readSummary finds none where none is", () => {
  assert.equal(readSummary("error: Type checking failed.\n"), undefined);
  assert.equal(readSummary("it is ok | 1 passed | 0 failed\n"), undefined);
});

Deno.test("countsOf counts a failure whenever the exit code tells of one", () => {
  const good = "ok | 3 passed | 0 failed | 1 ignored (1ms)\n";
  assert.deepEqual(countsOf(0, good), { passed: 3, failed: 0, skipped: 1 });
  assert.deepEqual(countsOf(1, good), { passed: 3, failed: 1, skipped: 1 });
  const bad = "FAILED | 3 passed | 2 failed (1ms)\n";
  assert.deepEqual(countsOf(1, bad), { passed: 3, failed: 2, skipped: 0 });
  for (const code of [0, 1]) {
    assert.deepEqual(countsOf(code, "nothing"), { passed: 0, failed: 1, skipped: 0 });
  }
});

Deno.test("formatCounts names the skipped only if there are any", () => {
  assert.equal(formatCounts({ passed: 5, failed: 0, skipped: 0 }), "5 passed, 0 failed");
  assert.equal(formatCounts({ passed: 0, failed: 2, skipped: 1 }), "0 passed, 2 failed, 1 skipped");
});

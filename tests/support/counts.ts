/** How many tests passed, failed and were skipped. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

// deno-lint-ignore no-control-regex
const COLOUR = /\x1b\[[0-9;]*m/g;
const STEPS = "(?: \\(\\d+ steps?\\))?";
const SUMMARY = new RegExp(
  `^(?:ok|FAILED) \\| (\\d+) passed${STEPS} \\| (\\d+) failed${STEPS}(?: \\| (\\d+) ignored)?`,
  "gm",
);

/**
 * Reads the last summary line of `deno test`: `ok | 5 passed (2 steps) | 0 failed | 1 ignored`. Its
 * JUnit report has the same numbers but not the modules that failed outside of a test.
 *
 * @param output What `deno test` wrote to stdout, with or without colours.
 * @returns The numbers, or `undefined` if there is no such line.
 */
export function readSummary(output: string): Counts | undefined {
  const summary = [...output.replace(COLOUR, "").matchAll(SUMMARY)].at(-1);
  if (!summary) return undefined;
  const [, passed, failed, skipped] = summary;
  return { passed: Number(passed), failed: Number(failed), skipped: Number(skipped ?? 0) };
}

/**
 * What a run of `deno test` comes to. Its exit code has the last word, as it knows of failures that
 * no test counts: at least one failed unless it is 0 and there is a summary.
 *
 * @param code Its exit code.
 * @param output What it wrote to stdout.
 */
export function countsOf(code: number, output: string): Counts {
  const summary = readSummary(output);
  if (summary === undefined) return { passed: 0, failed: 1, skipped: 0 };
  return code !== 0 && summary.failed === 0 ? { ...summary, failed: 1 } : summary;
}

/**
 * The counts in one line.
 *
 * @returns `5 passed, 0 failed`, and `, 1 skipped` if there are any.
 */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`;
}

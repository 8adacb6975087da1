import assert from "node:assert/strict";
import type { Outcome } from "./coding_system.ts";

/** A text that models' streams bring in pieces. */
export const LONG = "a text that is so long that it comes in more than one piece of a stream";

/** Asserts that work has a result with a text. */
export function assertResult({ type, payload }: Outcome, text: string): void {
  assert.deepEqual([type, payload.text], ["result", text], JSON.stringify(payload));
}

/** Asserts that work has failed with a code. */
export function assertError({ type, payload }: Outcome, code: string): void {
  assert.deepEqual([type, payload.code], ["error", code], JSON.stringify(payload));
}

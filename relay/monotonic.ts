/** Milliseconds since some moment, which no change of the clock touches: spans of time are measured by it. */
export function monotonicMs(): number {
  return performance.now();
}

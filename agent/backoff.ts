/** How long an agent waits before it connects again. */
export interface BackoffOptions {
  /** The longest wait after the first failure, in milliseconds. */
  readonly baseMs: number;
  /** The longest wait of all, in milliseconds. */
  readonly capMs: number;
}

/**
 * Exponential backoff with full jitter: any time from zero up to a bound that doubles with every
 * failure. A thousand agents that lost the same relay so come back spread over the whole time.
 *
 * @param failures How many tries have failed before this one, from 0.
 * @param random From 0 to 1, without 1.
 * @returns Whole milliseconds, below `min(capMs, baseMs * 2 ** failures)`.
 */
export function fullJitterMs(failures: number, options: BackoffOptions, random: number): number {
  // Beyond 2 ** 52 the bound is the cap anyhow, and 0 * Infinity would be no number.
  const bound = Math.min(options.capMs, options.baseMs * 2 ** Math.min(failures, 52));
  return Math.floor(random * bound);
}

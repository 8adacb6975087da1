/**
 * The clock that all threads and processes of a benchmark share.
 *
 * @module
 */

/** The time, in milliseconds since 1970, to a fraction of one. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

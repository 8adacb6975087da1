/**
 * Percentiles.
 *
 * @module
 */

/** The latencies that are shown, in milliseconds. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** @param values In any order; sorted in place. Not empty. */
export function latency(values: Float64Array): Latency {
  values.sort();
  const at = (quantile: number) => values[Math.floor(quantile * (values.length - 1))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

/** The middle one; of an even number, the lower of the two. `undefined` of none. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

/**
 * What a relay counts. Counting is an addition and nothing more: it is done for every message.
 *
 * @module
 */

/** Upper bounds of the histograms' buckets, in seconds. */
export const LATENCY_BUCKETS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ...[60, 300, 900, 3_600, 14_400, 86_400],
];

/** Observations, by bucket. */
export class LatencyHistogram {
  /** One more than there are bounds: the last has what is above all. */
  readonly counts = new Float64Array(LATENCY_BUCKETS.length + 1);
  /** The sum of all observations, in seconds. */
  sum = 0;

  /** Counts one. @param ms In milliseconds; below zero, as clocks differ, is zero. */
  observe(ms: number): void {
    const seconds = ms > 0 ? ms / 1_000 : 0;
    let index = 0;
    while (index < LATENCY_BUCKETS.length && seconds > (LATENCY_BUCKETS[index] ?? 0)) index++;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sum += seconds;
  }
}

/** The counters of one relay. */
export class RelayMetrics {
  /** Work items handed to an agent for the first time. */
  delivered = 0;
  /** And again. */
  redelivered = 0;
  returned = 0;
  dead = 0;
  results = 0;
  /** Of results stored, as JavaScript counts them: encoding them again would cost more. */
  resultCharacters = 0;
  duplicates = 0;
  reconnects = 0;
  /** From storing work to handing it to an agent. */
  readonly queued = new LatencyHistogram();
  /** From handing it out to its result being stored. */
  readonly worked = new LatencyHistogram();
}

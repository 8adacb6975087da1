/** Any number of latencies in a fixed amount of memory, to within a tenth of a millisecond. */
export class Latencies {
  /** Counts by tenths of a millisecond; the last is for all above. */
  readonly #counts = new Uint32Array(100_001);
  #total = 0;

  /** How many there are. */
  get total(): number {
    return this.#total;
  }

  /** Adds one, in milliseconds. */
  add(ms: number, count = 1): void {
    const tenths = Math.min(Math.max(Math.round(ms * 10), 0), this.#counts.length - 1);
    this.#counts[tenths] = (this.#counts[tenths] ?? 0) + count;
    this.#total += count;
  }

  /** Adds what {@linkcode entries} gave, perhaps of another process. */
  merge(entries: readonly (readonly [ms: number, count: number])[]): void {
    for (const [ms, count] of entries) this.add(ms, count);
  }

  /** Every latency that occurred, and how often; fit for JSON. */
  entries(): [ms: number, count: number][] {
    return [...this.#counts.entries()].filter(([, count]) => count > 0)
      .map(([tenths, count]) => [tenths / 10, count]);
  }

  /** @param share 0.99: what 99 in 100 do not exceed, in milliseconds. NaN if there are none. */
  quantile(share: number): number {
    let left = Math.ceil(this.#total * share);
    for (const [ms, count] of this.entries()) {
      left -= count;
      if (left <= 0) return ms;
    }
    return NaN;
  }
}

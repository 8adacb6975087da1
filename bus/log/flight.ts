/**
 * What is published and not yet acknowledged, and how much more may be: with many messages under way,
 * a server would drop some in the midst of a batch.
 *
 * @module
 */
import { TurnoverMap } from "../turnover_map.ts";
import type { HeldBatch, HeldEntry } from "./log_entry.ts";

/** A fraction of what a server takes, of all who publish, before it drops any: 100 000, or 128 MiB. */
const MAX_ENTRIES = 4_096;
const MAX_BYTES = 16 * 2 ** 20;

/** Batches under way, by number. */
export class Flight {
  readonly #batches = new TurnoverMap<number, HeldBatch>();
  #entries = 0;
  #bytes = 0;

  get(number: number): HeldBatch | undefined {
    return this.#batches.get(number);
  }

  /** All of them. */
  all(): Iterable<[number, HeldBatch]> {
    return this.#batches.entries();
  }

  add(number: number, batch: HeldBatch): void {
    this.#batches.set(number, batch);
    this.#entries += batch.held.length;
    this.#bytes += batch.bytes;
  }

  delete(number: number, batch: HeldBatch): void {
    this.#batches.delete(number);
    this.#entries -= batch.held.length;
    this.#bytes -= batch.bytes;
  }

  /** How many of these, from the first on, may be published now. */
  roomFor(queue: readonly HeldEntry[]): number {
    const free = Math.min(queue.length, MAX_ENTRIES - this.#entries);
    let bytes = this.#bytes;
    for (let count = 0; count < free; count++) {
      bytes += queue[count]?.bytes ?? 0;
      // One always may, however large.
      if (bytes > MAX_BYTES && this.#entries + count > 0) return count;
    }
    return Math.max(0, free);
  }
}

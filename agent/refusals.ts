/**
 * Whether relays that refuse an agent do so for good.
 *
 * One of several may be set up wrongly, and what stands before a relay answers strangely while that
 * is replaced. An agent that has been served before may run an hour's work, so it goes on for
 * a while. One that never was is told at once.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** How long after the first refusal an agent that was served goes on, in milliseconds. */
const PATIENCE_MS = 120_000;

/** Refusals since the last welcome. */
export class Refusals {
  readonly #relays: number;
  readonly #clock: Clock;
  readonly #refusedBy = new Set<number>();
  #since = 0;
  #served = false;

  /** @param relays How many there are. */
  constructor(relays: number, clock: Clock) {
    this.#relays = relays;
    this.#clock = clock;
  }

  /** A relay serves the agent. */
  welcomed(): void {
    this.#served = true;
    this.#refusedBy.clear();
  }

  /**
   * A relay has refused it.
   *
   * @param relay Which one, by its place among them.
   * @returns Whether it is no use to try again: all have, and for long enough.
   */
  areFinalWith(relay: number): boolean {
    const now = this.#clock.now();
    if (this.#refusedBy.size === 0) this.#since = now;
    this.#refusedBy.add(relay % this.#relays);
    const all = this.#refusedBy.size === this.#relays;
    return all && (!this.#served || now - this.#since >= PATIENCE_MS);
  }
}

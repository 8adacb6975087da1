/**
 * Heartbeats of agents, spread over time: of many agents each gets one a period, a few at a time, so
 * that nothing else waits for ten thousand of them.
 *
 * @module
 */

/** Who gets heartbeats. */
export interface Beating {
  heartbeat(): void;
}

/** How many groups take turns. */
const GROUPS = 50;

/** Gives each of those that were added a heartbeat every period. */
export class Heartbeats {
  readonly #groups: readonly Set<Beating>[] = Array.from({ length: GROUPS }, () => new Set());
  readonly #timer: ReturnType<typeof setInterval>;
  #added = 0;
  #beat = 0;

  /** @param periodMs Between two heartbeats of one, in milliseconds. */
  constructor(periodMs: number) {
    this.#timer = setInterval(() => {
      this.#beat++;
      this.#group(this.#beat)?.forEach((one) => one.heartbeat());
    }, periodMs / GROUPS);
  }

  /** Begins with one; its first heartbeat comes within a period. */
  add(one: Beating): void {
    this.#added++;
    this.#group(this.#added)?.add(one);
  }

  /** Ends with one. */
  delete(one: Beating): void {
    for (const group of this.#groups) if (group.delete(one)) return;
  }

  /** Ends with all. */
  close(): void {
    clearInterval(this.#timer);
  }

  #group(number: number): Set<Beating> | undefined {
    return this.#groups[number % GROUPS];
  }
}

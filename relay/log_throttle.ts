/**
 * Keeps what goes wrong with many things at once, and again and again, from flooding the log.
 *
 * @module
 */

/** What is added to a line that is said. */
export interface Unsaid {
  /** How many lines were left out since the last one. */
  readonly unsaid?: number;
}

const EVERY_MS = 1_000;

/** Of lines of one kind, lets one a second pass. */
export class LogThrottle {
  #saidAt = -Infinity;
  #unsaid = 0;

  /** @returns What to add to the line; `undefined` if it is not to be said. */
  pass(now: number = performance.now()): Unsaid | undefined {
    if (now - this.#saidAt < EVERY_MS) {
      this.#unsaid++;
      return undefined;
    }
    const unsaid = this.#unsaid;
    this.#saidAt = now;
    this.#unsaid = 0;
    return unsaid === 0 ? {} : { unsaid };
  }
}

/**
 * A token bucket: allows a number at once, and the same number again over a while.
 *
 * @module
 */

/** Allows a number at once, and the same number again over a while. */
export class Allowance {
  readonly #count: number;
  readonly #refillMs: number;
  #left: number;
  #at: number | undefined;

  /**
   * @param count How many at once, 0 or more; 0 never allows any.
   * @param refillMs How long until the same number is allowed again, in milliseconds.
   */
  constructor(count: number, refillMs: number) {
    this.#count = count;
    this.#refillMs = refillMs;
    this.#left = count;
  }

  /**
   * Takes one.
   *
   * @param now By a clock that does not go back, in milliseconds.
   * @returns Whether it was allowed.
   */
  take(now: number): boolean {
    const passed = now - (this.#at ?? now);
    this.#at = now;
    this.#left = Math.min(this.#count, this.#left + passed * this.#count / this.#refillMs);
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}

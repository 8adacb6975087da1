/**
 * Whether an agent may take work. A handler that finds out that no work can succeed for now, as
 * the key of its model was revoked, suspends its agent; the agent's program stops serving, and
 * serves again when a check passes.
 *
 * @module
 */

/** Says whether an agent takes work, and why not. */
export class Suspension {
  #reason: string | undefined;
  #suspended = Promise.withResolvers<string>();
  /** Suspensions since work last succeeded. */
  #inARow = 0;

  /** Why it takes no work; undefined if it does. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** How often it was suspended since work last succeeded. */
  get inARow(): number {
    return this.#inARow;
  }

  /** Takes no more work from now on. @param reason For people; the first one stays. */
  suspend(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#inARow++;
    this.#suspended.resolve(reason);
  }

  /** Takes work again. */
  resume(): void {
    if (this.#reason === undefined) return;
    this.#reason = undefined;
    this.#suspended = Promise.withResolvers();
  }

  /** Work has succeeded: the next suspension is the first again. */
  succeeded(): void {
    this.#inARow = 0;
  }

  /** Settles with the reason when it is suspended. */
  untilSuspended(): Promise<string> {
    return this.#suspended.promise;
  }
}

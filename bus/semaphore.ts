/**
 * Lets at most so many tasks run at once.
 *
 * @module
 */

/** At most so many tasks run at once, the others wait in order of arrival. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count How many may run at once, 1 or more. */
  constructor(count: number) {
    this.#free = count;
  }

  /** Runs a task when its turn comes. @returns What the task returns; throws what it throws. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}

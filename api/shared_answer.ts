/**
 * An answer that requests share which come at about the same time.
 *
 * @module
 */

/** How an answer is shared. */
export interface SharedAnswerOptions {
  /** How long it is shared, in milliseconds. */
  readonly shareMs: number;
  /** So long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** What it fails with if it takes longer. */
  readonly late: () => Error;
}

/** Asks when it is asked, but not again at once. */
export class SharedAnswer<T> {
  readonly #ask: () => Promise<T>;
  readonly #options: SharedAnswerOptions;
  #answer: Promise<T> | undefined;
  #askedAt = 0;

  constructor(ask: () => Promise<T>, options: SharedAnswerOptions) {
    this.#ask = ask;
    this.#options = options;
  }

  /** The answer, as of now or a moment ago. */
  async get(): Promise<T> {
    const now = performance.now();
    if (this.#answer === undefined || now - this.#askedAt > this.#options.shareMs) {
      this.#askedAt = now;
      const answer = this.#inTime();
      this.#answer = answer;
      // A failure is not shared any longer than until it is known.
      answer.catch(() => {
        if (this.#answer === answer) this.#answer = undefined;
      });
    }
    return await this.#answer;
  }

  async #inTime(): Promise<T> {
    const { timeoutMs, late } = this.#options;
    const { promise: expired, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(late()), timeoutMs);
    const asked = this.#ask();
    asked.catch(() => {});
    try {
      return await Promise.race([asked, expired]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The signals that end the demo, with their numbers. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** A signal that ends the demo. */
export type EndingSignal = keyof typeof SIGNALS;

/**
 * Signals so close to the first are taken for the same one, in milliseconds: `deno task` passes
 * Ctrl-C on, which the terminal has sent already, so it comes twice within a millisecond.
 */
const SAME_MS = 500;

/** The demo was asked to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  /** The exit code that tells so: 128 and the signal's number. */
  readonly exitCode: number;

  /** @param signal What it was sent. */
  constructor(signal: EndingSignal) {
    super(`Interrupted by ${signal}`);
    this.exitCode = 128 + SIGNALS[signal];
  }
}

/** Tells the first request to end, which ends the demo in order, from a second, which hurries. */
export class Interruption {
  readonly #end = new AbortController();
  readonly #hurry = new AbortController();
  readonly #now: () => number;
  #firstAt = 0;

  /** @param now The time in milliseconds; default a clock that never goes back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Aborted by the first signal, with {@linkcode Interrupted} as its reason. */
  get end(): AbortSignal {
    return this.#end.signal;
  }

  /** Aborted by a second signal. */
  get hurry(): AbortSignal {
    return this.#hurry.signal;
  }

  /** A signal came. */
  heard(signal: EndingSignal): void {
    if (!this.end.aborted) {
      this.#firstAt = this.#now();
      this.#end.abort(new Interrupted(signal));
    } else if (this.#now() - this.#firstAt > SAME_MS) {
      this.#hurry.abort();
    }
  }

  /** Listens to this process's signals from now on. */
  listen(): void {
    for (const signal of Object.keys(SIGNALS) as EndingSignal[]) {
      Deno.addSignalListener(signal, () => this.heard(signal));
    }
  }
}

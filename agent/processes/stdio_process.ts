import { type Clock, within } from "../clock.ts";
import { ByteTail } from "./byte_tail.ts";
import { MarkedProcess, type StartOptions } from "./marked_process.ts";

/** Options of {@linkcode StdioProcess}. */
export interface StdioProcessOptions extends Omit<StartOptions, "hasInput"> {
  /** How many bytes of standard error's end are kept; 8 192 by default. */
  readonly tailBytes?: number;
}

/** How long to read standard error on when everything has ended, in milliseconds. */
const LAST_WORDS_MS = 1_000;

/**
 * A program that is spoken to: it reads its standard input and answers on its standard output. Of
 * what it says on standard error the end is kept.
 */
export class StdioProcess {
  readonly #process: MarkedProcess;
  readonly #clock: Clock;
  readonly #tail: ByteTail;
  readonly #reading: Promise<void>;
  readonly #stopReading = new AbortController();
  readonly stdin: WritableStream<Uint8Array>;

  /**
   * Starts a program.
   *
   * @param path An absolute path.
   * @throws Whatever the system says against it; `code` is `ENOENT`, `E2BIG`, …
   */
  constructor(path: string, options: StdioProcessOptions) {
    this.#process = new MarkedProcess(path, options);
    this.#clock = options.clock;
    this.stdin = this.#process.stdin ?? new WritableStream();
    this.#tail = new ByteTail(options.tailBytes ?? 8_192);
    this.#reading = this.#process.stderr.pipeTo(
      new WritableStream({ write: (chunk) => this.#tail.add(chunk) }),
      { signal: this.#stopReading.signal },
    ).catch(() => {});
  }

  /** The id of its process, and of its process group and session. */
  get pid(): number {
    return this.#process.pid;
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#process.stdout;
  }

  /** Settles when the program itself has ended; what it has started may still run. */
  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  /** The end of what it has said on standard error so far. */
  stderrTail(): string {
    return this.#tail.text();
  }

  /** The pids of what is left of it, and of everything that it has started. */
  left(): number[] {
    return this.#process.left().map(({ pid }) => pid);
  }

  /**
   * Ends it, with everything that it has started: SIGTERM, and SIGKILL for what has not ended after
   * `graceMs`. To be called also when the program has ended by itself.
   *
   * @returns Settles when nothing is left, or the system does not end it. `stdin` and `stdout` are
   * the caller's to close and to cancel.
   */
  async end(graceMs: number): Promise<void> {
    await this.#process.end(graceMs);
    await this.#process.status;
    // What holds it open now is not ours.
    await within(this.#clock, LAST_WORDS_MS, this.#reading);
    this.#stopReading.abort();
    await this.#reading;
  }
}

/**
 * Writing to standard output and standard error. What is written is collected and goes out in
 * large pieces; a caller that writes much awaits, so that it waits for a slow reader.
 *
 * @module
 */

/** Somewhere to write text. */
export interface Output {
  /** Whether a person sees it directly. */
  readonly isTerminal: boolean;
  /** Whether it may have colours. */
  readonly hasColor: boolean;
  /** Width in columns; 80 if it has none. */
  readonly columns: number;
  /**
   * Writes text.
   *
   * @returns Resolves at once, or when a slow reader has taken enough of what is waiting.
   * @throws {ClosedOutputError} If nobody reads any more.
   * @throws {OutputError} If it cannot be written. A caller that does not await it hears of neither.
   */
  write(text: string): Promise<void>;
  /**
   * Resolves when all that was written is out.
   *
   * @throws {ClosedOutputError} If nobody reads any more.
   * @throws {OutputError} If it cannot be written.
   */
  flush(): Promise<void>;
}

/** Nobody reads the output any more: a pipe was closed, as `| head -1` does. */
export class ClosedOutputError extends Error {
  override readonly name = "ClosedOutputError";
}

/** The output cannot be written, and somebody wants to have it: a file on a full disk. */
export class OutputError extends Error {
  override readonly name = "OutputError";
}

/** How many characters may wait to be written before writers have to wait. */
const HIGH_WATER = 64 * 1024;

/** What {@linkcode StreamOutput} writes to; `Deno.stdout` is one. */
export interface Sink {
  write(data: Uint8Array): Promise<number>;
  isTerminal(): boolean;
}

/** Options of a {@linkcode StreamOutput}. */
export interface StreamOutputOptions {
  /** What errors call it; "the output" by default. */
  readonly name?: string;
  readonly hasColor: boolean;
  /** Width in columns, asked for each time. */
  readonly columns?: () => number;
  /** Told once, when nothing can be written any more, and why. */
  readonly onClosed?: (why: ClosedOutputError | OutputError) => void;
}

/** An output that writes to a file, a pipe or a terminal. */
export class StreamOutput implements Output {
  readonly isTerminal: boolean;
  readonly #sink: Sink;
  readonly #options: StreamOutputOptions;
  #waiting = "";
  #writing: Promise<void> | undefined;
  #failure: ClosedOutputError | OutputError | undefined;

  constructor(sink: Sink, options: StreamOutputOptions) {
    this.#sink = sink;
    this.#options = options;
    this.isTerminal = sink.isTerminal();
  }

  get hasColor(): boolean {
    return this.#options.hasColor;
  }

  get columns(): number {
    return this.#options.columns?.() ?? 80;
  }

  write(text: string): Promise<void> {
    const written = this.#write(text);
    written.catch(() => {});
    return written;
  }

  async #write(text: string): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#waiting += text;
    this.#writing ??= this.#writeAll();
    if (this.#waiting.length > HIGH_WATER) await this.flush();
  }

  async flush(): Promise<void> {
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #writeAll(): Promise<void> {
    // What is written in one go of the event loop goes out together.
    await Promise.resolve();
    try {
      while (this.#waiting !== "") {
        let data = new TextEncoder().encode(this.#waiting);
        this.#waiting = "";
        while (data.length > 0) data = data.subarray(await this.#sink.write(data));
      }
    } catch (error) {
      this.#failure = isClosed(error)
        ? new ClosedOutputError("Nobody reads the output any more", { cause: error })
        : new OutputError(`cannot write to ${this.#options.name ?? "the output"}: ${why(error)}`, {
          cause: error,
        });
      this.#waiting = "";
      this.#options.onClosed?.(this.#failure);
    } finally {
      // In the same moment in which nothing waits: what is written next begins anew.
      this.#writing = undefined;
    }
  }
}

/** The system's words, without its number for them. */
function why(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/ \(os error \d+\)$/, "");
}

function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset ||
    (error instanceof Error && "code" in error && error.code === "EPIPE");
}

/**
 * Whether to write colours.
 *
 * @param env `NO_COLOR` (not empty) forbids them, `FORCE_COLOR` (neither empty nor 0) asks for
 * them, `TERM=dumb` is a terminal without; the first that is set decides.
 */
export function wantsColor(
  env: { get(name: string): string | undefined },
  isTerminal: boolean,
): boolean {
  if (env.get("NO_COLOR")) return false;
  const forced = env.get("FORCE_COLOR");
  if (forced !== undefined && forced !== "") return forced !== "0";
  return isTerminal && env.get("TERM") !== "dumb";
}

/**
 * Where a command reads and writes, and what ends it: all that it knows of the process, so that
 * only main.ts touches the real one.
 *
 * @module
 */
import type { Environment } from "@ourocodus/protocol";
import type { ClosedOutputError, Output, OutputError } from "./output.ts";

/** A command's surroundings. */
export interface Console {
  readonly env: Environment & {
    /** All of it, for programs that are started. */
    toObject?(): Record<string, string>;
  };
  readonly stdin: ReadableStream<Uint8Array>;
  /** What was asked for. */
  readonly out: Output;
  /** Everything else: errors, notices, progress. */
  readonly err: Output;
  /** Aborted by Ctrl-C and SIGTERM, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
  /**
   * From now on signals are given to a command that has to put things in order first, and that may
   * take as long as it needs; `signal` is not aborted by them any more. Absent where there are none.
   */
  readonly takeSignals?: (listener: (signal: EndingSignal) => void) => void;
  /**
   * From now on a command that goes on by itself is told when nobody takes what it writes to `out`
   * any more, and why; `signal` is not aborted by it. Absent where it cannot happen.
   */
  readonly takeUnheard?: (listener: (why: ClosedOutputError | OutputError) => void) => void;
}

/** A signal that asks a process to end; SIGHUP also stands for output that nobody reads any more. */
export type EndingSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

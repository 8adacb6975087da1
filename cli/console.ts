/**
 * Where a command reads and writes, and what ends it: all that it knows of the process, so that
 * only main.ts touches the real one.
 *
 * @module
 */
import type { Environment } from "@ourocodus/bus";
import type { Output } from "./output.ts";

/** A command's surroundings. */
export interface Console {
  readonly env: Environment;
  readonly stdin: ReadableStream<Uint8Array>;
  /** What was asked for. */
  readonly out: Output;
  /** Everything else: errors, notices, progress. */
  readonly err: Output;
  /** Aborted by Ctrl-C and SIGTERM, and when nobody reads the output any more. */
  readonly signal: AbortSignal;
}

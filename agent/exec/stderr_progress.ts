/**
 * Lines of standard error as progress, as they come, and its end for an error.
 *
 * Invariants:
 * 1. There is progress at most every `INTERVAL_MS`; lines that come meanwhile go together.
 * 2. Memory is bounded: a line by `LINE_CHARACTERS`, what waits by `BATCH_LINES` and
 *    `BATCH_CHARACTERS`. What is beyond is left out, and counted.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { ByteTail } from "../processes/mod.ts";

/** The payload of the progress. */
export interface StderrLines {
  /** The lines, with line breaks between them. */
  readonly message: string;
  readonly stream: "stderr";
  /** How many lines were left out after these. */
  readonly dropped_lines?: number;
}

/** The least time between two pieces of progress, in milliseconds. */
const INTERVAL_MS = 200;
/** A longer line is cut. */
const LINE_CHARACTERS = 2_000;
const BATCH_LINES = 100;
const BATCH_CHARACTERS = 16_000;
/** Of the end as much is kept, in bytes. */
const TAIL_BYTES = 8_192;

// Programs that draw their progress end lines with a carriage return alone.
const LINE_END = /[\r\n]/;

/** Turns standard error into progress, at most every `INTERVAL_MS`. */
export class StderrProgress {
  readonly #clock: Clock;
  readonly #tell: (lines: StderrLines) => void;
  readonly #decoder = new TextDecoder();
  readonly #tail = new ByteTail(TAIL_BYTES);
  #line = "";
  #lineIsCut = false;
  #batch: string[] = [];
  #batchCharacters = 0;
  #dropped = 0;
  #nextAt = -Infinity;
  #callOff: (() => void) | undefined;

  constructor(clock: Clock, tell: (lines: StderrLines) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  /** Takes what was written. */
  write(chunk: Uint8Array): void {
    this.#tail.add(chunk);
    const [first = "", ...more] = this.#decoder.decode(chunk, { stream: true }).split(LINE_END);
    this.#extend(first);
    for (const text of more) {
      this.#endLine();
      this.#extend(text);
    }
    this.#schedule();
  }

  /** Nothing more comes: tells what waits, an unfinished line too. */
  end(): void {
    this.#extend(this.#decoder.decode());
    this.#endLine();
    this.#flush();
  }

  /** The end of it. */
  tail(): string {
    return this.#tail.text();
  }

  #extend(text: string): void {
    const room = LINE_CHARACTERS - this.#line.length;
    if (text.length > room) this.#lineIsCut = true;
    this.#line += text.slice(0, room);
  }

  #endLine(): void {
    const line = this.#lineIsCut ? `${this.#line.toWellFormed()}…` : this.#line;
    this.#line = "";
    this.#lineIsCut = false;
    if (line.trim() === "") return;
    const isFull = this.#batch.length >= BATCH_LINES ||
      this.#batchCharacters + line.length > BATCH_CHARACTERS;
    // In order to be told as one number, what is left out is left out at the end.
    if (isFull || this.#dropped > 0) {
      this.#dropped++;
      return;
    }
    this.#batch.push(line);
    this.#batchCharacters += line.length;
  }

  #schedule(): void {
    if (this.#batch.length === 0 || this.#callOff !== undefined) return;
    const waitMs = this.#nextAt - this.#clock.now();
    if (waitMs <= 0) return this.#flush();
    this.#callOff = this.#clock.after(waitMs, () => this.#flush());
  }

  #flush(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    if (this.#batch.length === 0) return;
    const lines: StderrLines = {
      message: this.#batch.join("\n"),
      stream: "stderr",
      ...(this.#dropped > 0 && { dropped_lines: this.#dropped }),
    };
    this.#batch = [];
    this.#batchCharacters = 0;
    this.#dropped = 0;
    this.#nextAt = this.#clock.now() + INTERVAL_MS;
    this.#tell(lines);
  }
}

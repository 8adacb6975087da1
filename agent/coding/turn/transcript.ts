/**
 * Keeps everything that was said with an agent, as NDJSON in a file: a line is
 * `{"at_ms": …, "type": …, "value": …}`, the time since the transcript began.
 *
 * Invariants:
 * 1. Nothing that a disk does fails the work. The first fault ends the transcript, and is told once.
 * 2. The file is at most `maxBytes`, and what waits for the disk at most `MAX_WAITING_BYTES`; beyond
 *    either the transcript ends, and that is told once.
 * 3. Lines are whole and in order; a later attempt's stand after an earlier one's.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import { dirname } from "node:path";
import type { Clock } from "../../clock.ts";

/** What {@linkcode Transcript} needs. */
export interface TranscriptOptions {
  readonly path: string;
  readonly clock: Pick<Clock, "now">;
  /** Tells that the transcript has ended before its time, and why; once. */
  readonly ended: (notice: string) => void;
  /** 1 GiB by default; what is in the file already counts. */
  readonly maxBytes?: number;
}

const MAX_WAITING_BYTES = 2 ** 26;

/** Writes everything that is said to a file. */
export class Transcript {
  readonly path: string;
  readonly #options: TranscriptOptions;
  readonly #maxBytes: number;
  readonly #begunAt: number;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #bytes = 0;
  #file: Deno.FsFile | undefined;
  #writing: Promise<void> | undefined;
  #hasEnded = false;

  constructor(options: TranscriptOptions) {
    this.#options = options;
    this.path = options.path;
    this.#maxBytes = options.maxBytes ?? 2 ** 30;
    this.#begunAt = options.clock.now();
  }

  /** Adds a line. @param type What it is, such as `prompt`, `update` or `permission`. */
  write(type: string, value: unknown): void {
    if (this.#hasEnded) return;
    const at = Math.round(this.#options.clock.now() - this.#begunAt);
    let line: Uint8Array;
    try {
      line = new TextEncoder().encode(`${JSON.stringify({ at_ms: at, type, value })}\n`);
    } catch (error) {
      return this.#end(`a line has no JSON form: ${messageOf(error)}`);
    }
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES) {
      return this.#end("the disk is too slow");
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.length;
    this.#writing ??= this.#drain();
  }

  /** Writes what waits, and closes the file. Never rejects. */
  async close(): Promise<void> {
    await this.#writing;
    this.#hasEnded = true;
    this.#closeFile();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #drain(): Promise<void> {
    try {
      this.#file ??= await this.#open();
      while (this.#waiting.length > 0 && !this.#hasEnded) {
        const lines = this.#waiting;
        this.#waiting = [];
        const bytes = lines.reduce((sum, { length }) => sum + length, 0);
        if (this.#bytes + bytes > this.#maxBytes) {
          return this.#end(`it has ${this.#bytes} bytes, limit is ${this.#maxBytes}`);
        }
        await writeAll(this.#file, joined(lines, bytes));
        this.#bytes += bytes;
        this.#waitingBytes -= bytes;
      }
    } catch (error) {
      this.#end(messageOf(error));
    } finally {
      this.#writing = undefined;
    }
  }

  async #open(): Promise<Deno.FsFile> {
    await Deno.mkdir(dirname(this.path), { recursive: true, mode: 0o700 });
    const file = await Deno.open(this.path, { append: true, create: true, mode: 0o600 });
    this.#bytes = (await file.stat()).size;
    return file;
  }

  #end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#options.ended(`The transcript "${this.path}" is not whole: ${why}`);
  }

  #closeFile(): void {
    try {
      this.#file?.close();
    } catch {
      // It was closed.
    }
    this.#file = undefined;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

function joined(lines: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const line of lines) {
    all.set(line, at);
    at += line.length;
  }
  return all;
}

/**
 * A command's standard output: its beginning and its end in memory, all of it in a file once it
 * is longer than what is kept of the beginning.
 *
 * Invariants:
 * 1. In memory is never more than the beginning, the end, and the chunk at hand.
 * 2. A file that cannot be written does not stop the command: what it writes is taken on and
 *    counted, and the reason is told.
 *
 * @module
 */
import { messageOf } from "@ourocodus/protocol";
import { ByteTail } from "../processes/mod.ts";
import type { OutputFiles } from "./output_files.ts";

/** Options of {@linkcode OutputCapture}. */
export interface OutputCaptureOptions {
  /** How many bytes of the beginning are kept in memory. */
  readonly headBytes: number;
  /** How many bytes of the end are kept in memory. */
  readonly tailBytes: number;
  readonly files: OutputFiles;
  /** The work's id. */
  readonly id: string;
}

/** Where all of an output is, or why it is not. */
export interface SavedOutput {
  readonly output_file?: string;
  /** Bytes in the file, if these are not all: it has reached its limit. */
  readonly output_file_bytes?: number;
  /** Why there is no file, or not all in it. */
  readonly output_file_error?: string;
}

/** Keeps a command's standard output, in memory and in a file. */
export class OutputCapture {
  readonly #options: OutputCaptureOptions;
  readonly #tail: ByteTail;
  readonly #check = new TextDecoder("utf-8", { fatal: true });
  #head: Uint8Array[] = [];
  #headLength = 0;
  #bytes = 0;
  #invalid = false;
  #file: { readonly path: string; readonly file: Deno.FsFile } | undefined;
  #fileBytes = 0;
  #fileError: string | undefined;
  #named = false;

  constructor(options: OutputCaptureOptions) {
    this.#options = options;
    this.#tail = new ByteTail(options.tailBytes);
  }

  /** All bytes that were written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether {@linkcode head} is everything. */
  get isWhole(): boolean {
    return this.#bytes === this.#headLength;
  }

  /** Whether it is not all UTF-8. */
  get hasInvalidUtf8(): boolean {
    return this.#invalid;
  }

  /** Takes a chunk; the next may be given when this has settled. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.length;
    this.#tail.add(chunk);
    this.#checkUtf8(chunk);
    const overflows = this.#headLength + chunk.length > this.#options.headBytes;
    // The first chunk that does not fit goes to the file with all before it.
    if (overflows && this.#file === undefined && this.#fileError === undefined) await this.#save();
    const kept = chunk.subarray(0, this.#options.headBytes - this.#headLength);
    if (kept.length > 0) {
      this.#head.push(kept);
      this.#headLength += kept.length;
    }
    if (this.#file !== undefined) await this.#append(chunk);
  }

  /** Ends it, when all is written. */
  finish(): void {
    this.#checkUtf8();
  }

  /** The beginning as text; what is no UTF-8 is U+FFFD, a character that is cut in two is not in it. */
  head(): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    const text = this.#head.map((chunk) => decoder.decode(chunk, { stream: true })).join("");
    return this.isWhole ? text + decoder.decode() : text;
  }

  /** The end as text. */
  tail(): string {
    return this.#tail.text();
  }

  /** Whether the tail is everything. */
  get tailIsWhole(): boolean {
    return !this.#tail.isCut;
  }

  /** Whether it was told where all of it is. */
  get isNamed(): boolean {
    return this.#named;
  }

  /** Puts everything into a file if it is not there yet. */
  async save(): Promise<SavedOutput> {
    this.#named = true;
    if (this.#file === undefined && this.#fileError === undefined) await this.#save();
    const bytes = this.#fileBytes;
    return {
      ...(this.#file !== undefined && { output_file: this.#file.path }),
      ...(this.#file !== undefined && bytes < this.#bytes && { output_file_bytes: bytes }),
      ...(this.#fileError !== undefined && { output_file_error: this.#fileError }),
    };
  }

  /** Removes the file, if there is one: nobody will be told of it. */
  async discard(): Promise<void> {
    if (this.#file === undefined) return;
    await Deno.remove(this.#file.path).catch(() => {});
  }

  /** Closes the file, if there is one. */
  close(): void {
    this.#file?.file.close();
    this.#head = [];
  }

  async #save(): Promise<void> {
    try {
      this.#file = await this.#options.files.create(this.#options.id);
    } catch (error) {
      this.#fileError = messageOf(error);
    }
    for (const chunk of this.#head) await this.#append(chunk);
  }

  async #append(chunk: Uint8Array): Promise<void> {
    if (this.#file === undefined || this.#fileError !== undefined) return;
    let rest = chunk.subarray(0, this.#options.files.maxBytes - this.#fileBytes);
    try {
      while (rest.length > 0) {
        const written = await this.#file.file.write(rest);
        this.#fileBytes += written;
        rest = rest.subarray(written);
      }
    } catch (error) {
      this.#fileError = messageOf(error);
    }
  }

  #checkUtf8(chunk?: Uint8Array): void {
    if (this.#invalid) return;
    try {
      if (chunk === undefined) this.#check.decode();
      else this.#check.decode(chunk, { stream: true });
    } catch {
      this.#invalid = true;
    }
  }
}

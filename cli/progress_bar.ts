/**
 * A progress bar on a terminal: how much is done, and how fast.
 *
 * @module
 */
import type { Output } from "./output.ts";
import { count } from "./terminal_text.ts";

/** What a progress bar shows. */
export interface Progress {
  /** What is counted, as `stored`. */
  readonly label: string;
  readonly done: number;
  /** 0 to 1, if the end is known. */
  readonly part?: number;
}

const EVERY_MS = 100;
const BAR_COLUMNS = 24;

/** Draws a bar now and then, on the last line of a terminal; on anything else it is silent. */
export class ProgressBar {
  readonly #output: Output;
  readonly #progress: () => Progress;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  readonly #began = performance.now();
  #drawn = false;

  /** @param progress Asked for each time it is drawn. */
  constructor(output: Output, progress: () => Progress) {
    this.#output = output;
    this.#progress = progress;
    if (output.isTerminal) this.#timer = setInterval(() => this.#draw(), EVERY_MS);
  }

  /** Takes it away, so that something else can be written; it is drawn again later. */
  clear(): void {
    if (this.#drawn) void this.#output.write("\r\x1b[K");
    this.#drawn = false;
  }

  /** Takes it away for good. */
  end(): void {
    clearInterval(this.#timer);
    this.clear();
  }

  #draw(): void {
    const text = progressText(this.#progress(), performance.now() - this.#began);
    void this.#output.write(`\r\x1b[K${text.slice(0, this.#output.columns - 1)}`);
    this.#drawn = true;
  }
}

/** The bar as text. */
export function progressText({ label, done, part }: Progress, elapsedMs: number): string {
  const rate = count(Math.round(done / Math.max(0.001, elapsedMs / 1_000)));
  const counts = `${count(done)} ${label}  ${rate}/s`;
  if (part === undefined) return counts;
  const full = Math.round(Math.min(1, part) * BAR_COLUMNS);
  const bar = "█".repeat(full) + "░".repeat(BAR_COLUMNS - full);
  return `${bar} ${String(Math.floor(Math.min(1, part) * 100)).padStart(3)} %  ${counts}`;
}

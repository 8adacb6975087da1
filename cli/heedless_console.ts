/**
 * The surroundings of a command whose work goes on when nobody takes its output any more: what has
 * begun is not to be left half done because `| head` has seen enough.
 *
 * @module
 */
import type { Console } from "./console.ts";
import { type Output, OutputError } from "./output.ts";

/** A console, of which it is known whether anybody takes the output. */
export interface HeedlessConsole extends Console {
  /** Aborted, with why, when nobody takes what is written to `out` any more; `signal` is not. */
  readonly unheard: AbortSignal;
}

/** Makes outputs of a console drop what nobody takes. */
export function heedless(console: Console): HeedlessConsole {
  const unheard = new AbortController();
  console.takeUnheard?.((why) => unheard.abort(why));
  return {
    ...console,
    out: new HeedlessOutput(console.out),
    err: new HeedlessOutput(console.err),
    unheard: unheard.signal,
  };
}

/** Whether something that was written is lost to somebody who wants to have it. */
export async function isLost({ out, unheard }: HeedlessConsole): Promise<boolean> {
  await out.flush();
  return unheard.reason instanceof OutputError;
}

class HeedlessOutput implements Output {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  get isTerminal(): boolean {
    return this.#output.isTerminal;
  }

  get hasColor(): boolean {
    return this.#output.hasColor;
  }

  get columns(): number {
    return this.#output.columns;
  }

  /** The command's caller flushes the output itself, and hears then what is wrong with it. */
  async write(text: string): Promise<void> {
    await this.#output.write(text).catch(() => {});
  }

  async flush(): Promise<void> {
    await this.#output.flush().catch(() => {});
  }
}

import type { Console } from "../console.ts";
import { run } from "../program.ts";
import { ClosedOutputError, type Output } from "../output.ts";

/** An output that keeps what is written. */
export class MemoryOutput implements Output {
  readonly isTerminal: boolean;
  readonly hasColor: boolean;
  readonly columns = 80;
  text = "";

  constructor(options: { readonly isTerminal?: boolean; readonly hasColor?: boolean } = {}) {
    this.isTerminal = options.isTerminal ?? false;
    this.hasColor = options.hasColor ?? false;
  }

  /** The complete lines until now. */
  get lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }

  write(text: string): Promise<void> {
    this.text += text;
    return Promise.resolve();
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }
}

/** Options of {@linkcode cli}. */
export interface CliOptions {
  readonly natsUrl?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string | ReadableStream<Uint8Array>;
  readonly out?: MemoryOutput;
  readonly err?: MemoryOutput;
  readonly signal?: AbortSignal;
}

/** A command line that runs, or ran, in this process. */
export interface Run {
  readonly out: MemoryOutput;
  readonly err: MemoryOutput;
  readonly code: Promise<number>;
  /** Ends it as Ctrl-C does. */
  readonly interrupt: () => void;
  /** Tells it that nobody takes its output any more. */
  readonly stopReading: () => void;
}

/** Starts a command line in this process. */
export function start(args: readonly string[], options: CliOptions = {}): Run {
  const { natsUrl, env = {}, stdin = "" } = options;
  const ending = new AbortController();
  let unheard = () => ending.abort();
  const out = options.out ?? new MemoryOutput();
  const err = options.err ?? new MemoryOutput();
  const variables = new Map(Object.entries({ ...natsUrl && { NATS_URL: natsUrl }, ...env }));
  const console: Console = {
    env: variables,
    stdin: typeof stdin === "string" ? new Blob([stdin]).stream() : stdin,
    out,
    err,
    signal: ending.signal,
    takeUnheard: (listener) => unheard = () => listener(new ClosedOutputError("gone")),
  };
  const code = run(args, console);
  return { out, err, code, interrupt: () => ending.abort(), stopReading: () => unheard() };
}

/** Runs a command line in this process to its end. */
export async function cli(
  args: readonly string[],
  options: CliOptions = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  const running = start(args, options);
  const code = await running.code;
  return { code, stdout: running.out.text, stderr: running.err.text };
}

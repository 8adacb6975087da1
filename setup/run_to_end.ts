/** Options of {@linkcode runToEnd}. */
export interface RunOptions {
  /** Variables besides those of this process, or with `clearEnv` instead of them. */
  readonly env?: Readonly<Record<string, string>>;
  readonly clearEnv?: boolean;
  /** The folder that it runs in. */
  readonly cwd?: string;
  /** Ends it. */
  readonly signal?: AbortSignal;
  /** Ends it after this time, in milliseconds. */
  readonly timeoutMs?: number;
  /** What it writes goes where this process writes, and is not kept. */
  readonly shown?: boolean;
  /** In a session of its own: Ctrl-C in a terminal does not reach it. */
  readonly detached?: boolean;
  /** Told what it writes to standard output, as it comes. */
  readonly onOutput?: (text: string) => void;
  /** The same for standard error. */
  readonly onError?: (text: string) => void;
}

/** How a program ended, and what it wrote. */
export interface ProgramEnd extends Deno.CommandStatus {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, without input. Not for programs that leave others running: those that
 * hold its output open are waited for.
 *
 * @returns How it ended, also if it failed.
 * @throws The signal's reason, if it is aborted, a `TimeoutError` if it takes too long, and what Deno
 * throws if it cannot be started.
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { signal, timeoutMs, shown = false, onOutput, onError, ...options }: RunOptions = {},
): Promise<ProgramEnd> {
  const output = shown ? "inherit" : "piped";
  const signals = [
    ...signal === undefined ? [] : [signal],
    ...timeoutMs === undefined ? [] : [AbortSignal.timeout(timeoutMs)],
  ];
  const limit = AbortSignal.any(signals);
  limit.throwIfAborted();
  const child = new Deno.Command(command, {
    ...options,
    args: [...args],
    env: { ...options.env },
    ...{ stdin: "null", stdout: output, stderr: output, signal: limit },
  }).spawn();
  const [status, stdout, stderr] = await Promise.all([
    child.status,
    shown ? "" : read(child.stdout, onOutput),
    shown ? "" : read(child.stderr, onError),
  ]);
  limit.throwIfAborted();
  return { ...status, stdout, stderr };
}

/** The last lines of what a program wrote; those of standard error come after those of the other. */
export function lastLinesOf({ stdout, stderr }: ProgramEnd, count: number): string[] {
  const text = `${stdout}${stderr}`.trim();
  return text === "" ? [] : text.split("\n").slice(-count);
}

async function read(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  tell: ((text: string) => void) | undefined,
): Promise<string> {
  let all = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    all += text;
    tell?.(text);
  }
  return all;
}

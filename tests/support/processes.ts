import { until } from "./until.ts";

/** Options of {@linkcode startProcess}. */
export interface ProcessOptions {
  /** Variables added to this process's environment, next to those that keep Deno quiet. */
  readonly env?: Readonly<Record<string, string>>;
  /** Its working folder; default this process's. */
  readonly cwd?: string;
  /** Text for its stdin, which is closed after it; default none. */
  readonly stdin?: string;
  /** What errors call it; default the command. */
  readonly name?: string;
}

/** How a process ended and everything it wrote. */
export interface ProcessOutput {
  /** Its exit code; 128 and the signal's number if a signal ended it. */
  readonly code: number;
  /** The signal that ended it, if one did. */
  readonly signal: Deno.Signal | null;
  /** Everything it wrote to stdout. */
  readonly stdout: string;
  /** Everything it wrote to stderr. */
  readonly stderr: string;
}

/** How long a process that is disposed of has after SIGTERM before SIGKILL, in milliseconds. */
const DISPOSE_GRACE_MS = 3_000;

/** How long to read on after a process ended: its own children may hold its output open. */
const DRAIN_MS = 1_000;

/** So that a program's output is its own: Deno says nothing of packages that it fetches. */
const QUIET = { NO_COLOR: "1", DENO_LOG: "error" } as const;

/** A child process whose output is kept. Disposing of it ends it. */
export class TestProcess implements AsyncDisposable {
  /** What errors call it. */
  readonly name: string;
  /** Its process id. */
  readonly pid: number;
  /** Settles when it has ended and its output has been read. */
  readonly status: Promise<Deno.CommandStatus>;

  readonly #child: Deno.ChildProcess;
  #stdout = "";
  #stderr = "";
  #ended: Deno.CommandStatus | undefined;

  /** Use {@linkcode startProcess}. */
  constructor(command: string | URL, args: readonly string[], options: ProcessOptions = {}) {
    const { env = {}, cwd, stdin, name = String(command) } = options;
    this.name = name;
    this.#child = new Deno.Command(command, {
      args: [...args],
      env: { ...QUIET, ...env },
      cwd,
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.pid = this.#child.pid;
    this.status = this.#run(stdin);
    // A caller that awaits it sees the error; nobody need await it.
    this.status.catch(() => {});
  }

  /** Everything written to stdout until now. */
  get stdout(): string {
    return this.#stdout;
  }

  /** Everything written to stderr until now. */
  get stderr(): string {
    return this.#stderr;
  }

  /** The complete lines of stdout, then those of stderr, until now. */
  get lines(): string[] {
    return [this.#stdout, this.#stderr].flatMap((text) => text.split("\n").slice(0, -1));
  }

  /** How it ended, or `undefined` while it runs. */
  get ended(): Deno.CommandStatus | undefined {
    return this.#ended;
  }

  /**
   * Waits for a complete line on stdout or stderr; one written before counts.
   *
   * @param pattern A part of the line, or an expression.
   * @param options `timeoutMs`: default 30 000.
   * @returns The line.
   * @throws {Error} If it does not come in time or the process ends without it; with its output.
   */
  async waitForLine(
    pattern: string | RegExp,
    options: { readonly timeoutMs?: number } = {},
  ): Promise<string> {
    const found = (line: string) =>
      typeof pattern === "string" ? line.includes(pattern) : line.search(pattern) >= 0;
    try {
      const line = await until(() => {
        const line = this.lines.find(found);
        if (line === undefined && this.#ended) throw this.failure("ended without the line");
        return line === undefined ? undefined : { line };
      }, { ...options, message: `the line ${pattern}` });
      return line.line;
    } catch (error) {
      throw this.failure(`did not write ${pattern}`, { cause: error });
    }
  }

  /**
   * Asks it to end with a signal and waits until it has.
   *
   * @param options `signal`: default SIGTERM. `timeoutMs`: default 30 000.
   * @returns How it ended.
   * @throws {Error} If it has not ended in time; then it is killed.
   */
  async stop(
    options: { readonly signal?: Deno.Signal; readonly timeoutMs?: number } = {},
  ): Promise<Deno.CommandStatus> {
    const { signal = "SIGTERM", timeoutMs = 30_000 } = options;
    this.send(signal);
    if (!await this.#endsWithin(timeoutMs)) {
      await this.kill();
      throw this.failure(`did not end within ${timeoutMs} ms after ${signal}`);
    }
    return await this.status;
  }

  /** Ends it with SIGKILL and waits until it has ended. */
  async kill(): Promise<Deno.CommandStatus> {
    this.send("SIGKILL");
    return await this.status;
  }

  /**
   * Sends it a signal again and again until it has ended: a second one that follows at once on the
   * first may count as the same.
   *
   * @throws {UntilError} If it does not end within 30 s.
   */
  async insist(signal: Deno.Signal): Promise<Deno.CommandStatus> {
    await until(() => {
      this.send(signal);
      return this.ended;
    }, { message: `an end after more than one ${signal}` });
    return await this.status;
  }

  /** Sends it a signal; nothing happens if it has ended. */
  send(signal: Deno.Signal): void {
    if (this.#ended) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      // It ended just now.
      if (!(error instanceof Deno.errors.NotFound || error instanceof TypeError)) throw error;
    }
  }

  /**
   * Stops it with SIGSTOP until SIGCONT, and waits until it stands still: on another processor it
   * goes on for a moment.
   */
  async freeze(): Promise<void> {
    this.send("SIGSTOP");
    await until(() => standsStill(this.pid), { message: `${this.name} to stand still` });
  }

  /** An error about this process that ends with the end of its output. */
  failure(what: string, options?: ErrorOptions): Error {
    const state = this.#ended ? `exit code ${this.#ended.code}` : "still running";
    const output = [this.#stdout, this.#stderr].map((text) => text.slice(-4_000)).join("");
    return new Error(`${this.name} ${what} (${state}); its output:\n${output}`, options);
  }

  /** Ends it: SIGTERM, and SIGKILL if that does not help within 3 seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#ended) return;
    this.send("SIGTERM");
    if (!await this.#endsWithin(DISPOSE_GRACE_MS)) await this.kill();
  }

  async #run(stdin: string | undefined): Promise<Deno.CommandStatus> {
    const stop = new AbortController();
    const reading = Promise.all([
      stdin === undefined ? undefined : writeAll(this.#child.stdin, stdin),
      readAll(this.#child.stdout, (text) => this.#stdout += text, stop.signal),
      readAll(this.#child.stderr, (text) => this.#stderr += text, stop.signal),
    ]);
    const status = await this.#child.status;
    const timer = setTimeout(() => stop.abort(), DRAIN_MS);
    await reading;
    clearTimeout(timer);
    this.#ended = status;
    return status;
  }

  async #endsWithin(timeoutMs: number): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => resolve(false), timeoutMs);
    try {
      return await Promise.race([promise, this.status.then(() => true)]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * Starts a child process whose output is kept.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options Its environment, folder and stdin.
 * @returns The process; dispose of it with `await using`.
 */
export function startProcess(
  command: string | URL,
  args: readonly string[],
  options: ProcessOptions = {},
): TestProcess {
  return new TestProcess(command, args, options);
}

/**
 * Runs a child process to its end.
 *
 * @param command The program.
 * @param args Its arguments.
 * @param options As for {@linkcode startProcess}. `timeoutMs`: how long it may take, default 60 000.
 * @returns How it ended and what it wrote.
 * @throws {Error} If it takes longer; then it is killed, and the error has its output.
 */
export async function runProcess(
  command: string | URL,
  args: readonly string[],
  options: ProcessOptions & { readonly timeoutMs?: number } = {},
): Promise<ProcessOutput> {
  const { timeoutMs = 60_000 } = options;
  await using child = startProcess(command, args, options);
  try {
    await until(() => child.ended, { timeoutMs, message: "its end" });
  } catch (error) {
    throw child.failure(`did not end within ${timeoutMs} ms`, { cause: error });
  }
  const { code, signal } = await child.status;
  return { code, signal, stdout: child.stdout, stderr: child.stderr };
}

async function writeAll(stream: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stream.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // The process does not read its stdin to the end, which is its right.
  }
}

async function readAll(
  stream: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  signal.addEventListener("abort", cancel);
  const decoder = new TextDecoder();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      onText(decoder.decode(part.value, { stream: true }));
    }
  } finally {
    signal.removeEventListener("abort", cancel);
  }
  onText(decoder.decode());
}

/** Whether all threads of a process are stopped; elsewhere than on Linux it is taken for true. */
async function standsStill(pid: number): Promise<boolean> {
  if (Deno.build.os !== "linux") return true;
  const threads = await Array.fromAsync(Deno.readDir(`/proc/${pid}/task`));
  const states = await Promise.all(threads.map(async ({ name }) => {
    const stat = await Deno.readTextFile(`/proc/${pid}/task/${name}/stat`).catch(() => ") T");
    return stat.slice(stat.lastIndexOf(")") + 2, stat.lastIndexOf(")") + 3);
  }));
  return states.every((state) => state === "T");
}

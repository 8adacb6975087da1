/**
 * An agent that runs a command once for each piece of work.
 *
 * Invariants:
 * 1. Every command runs in a process group of its own, which has ended when its work is answered.
 * 2. Work whose signal is aborted has its group ended; disposing waits until all have ended.
 * 3. An answer waits for the command, not for what it has left behind: for its output to end at
 *    most `OUTPUT_GRACE_MS`, for the rest of its group to end at most `killAfterMs`.
 * 4. A file with output stays only if an answer names it.
 *
 * @module
 */
import { messageOf } from "@ourocodus/bus";
import { type Clock, systemClock } from "../clock.ts";
import { OptionError, RetryableError, WorkError } from "../errors.ts";
import type { Handler, Work, WorkContext } from "../work.ts";
import {
  byteLength,
  type CommandInput,
  commandInput,
  MAX_ARGUMENT_BYTES,
  type StdinMode,
  VARIABLES,
  withoutVariable,
} from "./command_input.ts";
import { type EndedCommand, failure, jsonResult, textResult, timeoutError } from "./exec_result.ts";
import { GroupKeeper } from "./group_keeper.ts";
import { OutputCapture } from "./output_capture.ts";
import { OutputFiles } from "./output_files.ts";
import { ProcessGroup } from "./process_group.ts";
import { findProgram } from "../processes/mod.ts";
import { StderrProgress } from "./stderr_progress.ts";

/** What of a command's output becomes the result. */
export type StdoutMode = "text" | "json";

/** Options of {@linkcode ExecAgent}. */
export interface ExecOptions {
  /** The program and its arguments, with places to be filled; see `fillArgument`. */
  readonly command: readonly string[];
  /** The whole environment of the command; `OUROCODUS_…` is added to it for each piece of work. */
  readonly env: Readonly<Record<string, string>>;
  /** The folder that the command runs in; this process's by default. */
  readonly cwd?: string;
  /** What is on its standard input: the payload's `message` (default), all of it, or nothing. */
  readonly stdin?: StdinMode;
  /** What its standard output is: text (default) or JSON. */
  readonly stdout?: StdoutMode;
  /** How long it may take, in milliseconds, 1 to 2 147 483 647; without it as long as it likes. */
  readonly timeoutMs?: number;
  /** How long after SIGTERM SIGKILL comes, in milliseconds; 10 000 by default. */
  readonly killAfterMs?: number;
  /** Exit codes, 1 to 255, that give the work back; a signal's is 128 and its number. */
  readonly retryOn?: readonly number[];
  /** When such work may be handed out again, in milliseconds; 1 000 by default. */
  readonly retryDelayMs?: number;
  /** Where output goes that is too large for a result; a new temporary folder by default. */
  readonly outputFolder?: string;
  /** Of one output as much is kept in a file, in bytes; 1 GiB by default. */
  readonly maxOutputBytes?: number;
  /** For tests: the time. */
  readonly clock?: Clock;
}

const DEFAULT_KILL_AFTER_MS = 10_000;
const DEFAULT_MAX_OUTPUT_BYTES = 1024 ** 3;
/** How long to read on when the command has ended: what it left behind may hold its output open. */
const OUTPUT_GRACE_MS = 1_000;
/** Of an output's end as much is in an error, in bytes. */
const TAIL_BYTES = 16_384;
/** When work that could not be begun for want of memory, processes or files is handed out again. */
const SCARCE_DELAY_MS = 5_000;
const SCARCE = ["EAGAIN", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"];
const START_CODE: Readonly<Record<string, string>> = {
  ENOENT: "command_not_found",
  EACCES: "command_not_executable",
  E2BIG: "argument_too_long",
};

/** See the top of the file. */
export class ExecAgent implements AsyncDisposable {
  readonly #options: ExecOptions;
  readonly #path: string;
  readonly #args: readonly string[];
  readonly #cwd: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #killAfterMs: number;
  readonly #files: OutputFiles;
  readonly #keeper: GroupKeeper;
  readonly #groups = new Set<ProcessGroup>();
  readonly #running = new Set<Promise<unknown>>();

  /**
   * @param options What to run, and how.
   * @throws {OptionError} If the command is not there or not executable, or the folder is none.
   */
  constructor(options: ExecOptions) {
    const { command: [name = "", ...args], env, cwd = Deno.cwd() } = options;
    checkFolder(cwd);
    const found = findProgram(name, { path: env.PATH, cwd });
    if (found.kind === "invalid") throw new OptionError(`Cannot run the command: ${found.reason}`);
    this.#options = options;
    this.#path = found.path;
    this.#args = args;
    this.#cwd = cwd;
    this.#env = withoutVariables(env);
    this.#clock = options.clock ?? systemClock;
    this.#killAfterMs = options.killAfterMs ?? DEFAULT_KILL_AFTER_MS;
    this.#files = new OutputFiles({
      folder: options.outputFolder,
      maxBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    });
    this.#keeper = new GroupKeeper(this.#killAfterMs);
  }

  /** For `serve`. */
  readonly handler: Handler = (work, context) => {
    const running = this.#work(work, context);
    const settled = running.then(() => {}, () => {});
    this.#running.add(settled);
    settled.then(() => this.#running.delete(settled));
    return running;
  };

  /** Kills all that runs, at once. */
  kill(): void {
    for (const group of this.#groups) group.signal("SIGKILL");
  }

  /** Waits until nothing runs any more. `serve` has ended before, so nothing is begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
    await this.#keeper[Symbol.asyncDispose]();
  }

  async #work(work: Work, context: WorkContext): Promise<unknown> {
    const { command: [name = ""], stdin = "message" } = this.#options;
    const input = commandInput(this.#args, work, context, stdin);
    const output = new OutputCapture({
      headBytes: context.maxPayloadBytes,
      tailBytes: TAIL_BYTES,
      files: this.#files,
      id: work.id,
    });
    const stderr = new StderrProgress(this.#clock, (lines) => context.progress(lines));
    const begun = this.#clock.now();
    const { group, omitted } = this.#start(input);
    try {
      const { status, cause } = await this.#ended(group, context.signal, output, stderr);
      if (cause === "aborted") throw context.signal.reason;
      return await this.#answer(
        {
          name,
          exitCode: status.code,
          signal: status.signal,
          durationMs: Math.round(this.#clock.now() - begun),
          output,
          stderr,
          omitted,
        },
        cause,
        context.maxPayloadBytes,
      );
    } finally {
      output.close();
      if (!output.isNamed || context.signal.aborted) await output.discard();
    }
  }

  async #answer(
    ended: EndedCommand,
    cause: "timeout" | undefined,
    maxPayloadBytes: number,
  ): Promise<unknown> {
    const { stdout, timeoutMs = 0, retryOn = [], retryDelayMs } = this.#options;
    if (cause === "timeout") throw await timeoutError(ended, timeoutMs, maxPayloadBytes);
    if (ended.exitCode !== 0) {
      throw await failure(ended, { maxPayloadBytes, retryOn, retryDelayMs });
    }
    return await (stdout === "json" ? jsonResult(ended) : textResult(ended, maxPayloadBytes));
  }

  #start(input: CommandInput): { group: ProcessGroup; omitted: readonly string[] } {
    const { args, variables, omitted, stdin } = input;
    try {
      const env = { ...this.#env, ...variables };
      const options = { args, env, cwd: this.#cwd, clock: this.#clock, stdin };
      const group = new ProcessGroup(this.#path, options);
      this.#groups.add(group);
      this.#keeper.add(group.pid);
      return { group, omitted };
    } catch (error) {
      const tooLong = (error as { code?: unknown }).code === "E2BIG";
      // The system limits all arguments and variables together too, and the message is in both.
      if (tooLong && variables.OUROCODUS_MESSAGE !== undefined) {
        return this.#start(withoutVariable(input, "OUROCODUS_MESSAGE"));
      }
      throw startError(error, args);
    }
  }

  /** Waits until the command, and what it has started, has ended; or sees to that. */
  async #ended(
    group: ProcessGroup,
    signal: AbortSignal,
    output: OutputCapture,
    stderr: StderrProgress,
  ): Promise<{ status: Deno.CommandStatus; cause: "timeout" | "aborted" | undefined }> {
    const { timeoutMs } = this.#options;
    const stopReading = new AbortController();
    const reading = Promise.all([
      readAll(group.stdout, (chunk) => output.write(chunk), stopReading.signal),
      readAll(group.stderr, (chunk) => stderr.write(chunk), stopReading.signal),
    ]);
    let cause: "timeout" | "aborted" | undefined;
    let ending: Promise<void> | undefined;
    const end = (why: "timeout" | "aborted") => {
      cause ??= why;
      ending ??= group.end(this.#killAfterMs);
    };
    const onAbort = () => end("aborted");
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    const callOff = timeoutMs === undefined
      ? () => {}
      : this.#clock.after(timeoutMs, () => end("timeout"));
    const status = await group.status;
    callOff();
    await ending;
    await this.#atMost(OUTPUT_GRACE_MS, reading);
    stopReading.abort();
    await reading;
    output.finish();
    stderr.end();
    signal.removeEventListener("abort", onAbort);
    if (group.isAlive()) await (ending ?? group.end(this.#killAfterMs));
    this.#groups.delete(group);
    this.#keeper.remove(group.pid);
    return { status, cause };
  }

  async #atMost(limitMs: number, done: Promise<unknown>): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const callOff = this.#clock.after(limitMs, resolve);
    await Promise.race([done, promise]);
    callOff();
  }
}

/** Reads a stream to its end, or until it is to stop. */
async function readAll(
  stream: ReadableStream<Uint8Array>,
  take: (chunk: Uint8Array) => void | Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  const reader = stream.getReader();
  const cancel = () => void reader.cancel().catch(() => {});
  stop.addEventListener("abort", cancel);
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    await take(part.value);
  }
  stop.removeEventListener("abort", cancel);
}

function startError(error: unknown, args: readonly string[]): Error {
  const { code } = error as { code?: unknown };
  const message = `Cannot start the command: ${messageOf(error)}`;
  if (typeof code !== "string") return new WorkError("command_failed", message);
  if (SCARCE.includes(code)) return new RetryableError(message, { delayMs: SCARCE_DELAY_MS });
  const long = code === "E2BIG"
    ? args.findIndex((arg) => byteLength(arg) >= MAX_ARGUMENT_BYTES)
    : -1;
  const which = long < 0 ? message : `Cannot start the command: argument ${long + 1} is ` +
    `${byteLength(args[long] ?? "")} bytes, limit is ${MAX_ARGUMENT_BYTES - 1}`;
  return new WorkError(START_CODE[code] ?? "command_failed", which);
}

function checkFolder(cwd: string): void {
  let isFolder = false;
  try {
    isFolder = Deno.statSync(cwd).isDirectory;
  } catch {
    // Said below.
  }
  if (!isFolder) throw new OptionError(`Cannot run the command in "${cwd}": it is no folder`);
}

/** The agent's own, which is not to be the command's. */
const SECRETS = ["OUROCODUS_TOKEN", "OUROCODUS_TOKEN_FILE"];

/** Without what lets the agent in, and what one has that was itself started by an agent. */
function withoutVariables(env: Readonly<Record<string, string>>): Record<string, string> {
  const own: readonly string[] = [...VARIABLES, ...SECRETS];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !own.includes(name)));
}

/**
 * An agent that runs a command once for each work item.
 *
 * Invariants:
 * 1. Every command runs in a session of its own and with a mark. When its work is answered, it has
 *    ended, with everything that it has started; see `agent/processes/lineage.ts` for the gaps.
 * 2. Work whose signal is aborted has its command ended; disposing waits until all have ended.
 * 3. An answer waits for the command, not for what it has left behind: for its output to end at
 *    most `OUTPUT_GRACE_MS`, for the rest to end at most `killAfterMs`.
 * 4. If this process is killed, its keeper ends what runs. If the keeper is killed, too, the next
 *    attempt at the same work on this machine does, before it begins.
 * 5. A file with output stays only if an answer names it.
 *
 * @module
 */
import { resolve } from "node:path";
import { type Clock, systemClock } from "../clock.ts";
import { OptionError } from "../errors.ts";
import { Running } from "../running.ts";
import type { Handler, Work, WorkContext } from "../work.ts";
import {
  awaitCommand,
  cleanEnvironment,
  confined,
  endMarked,
  findProgram,
  Keeper,
  type MarkedProcess,
} from "../processes/mod.ts";
import { type CommandInput, commandInput, type StdinMode, WORK_VARIABLE } from "./command_input.ts";
import { withoutEscapeCodes } from "../escape_codes.ts";
import {
  type EndedCommand,
  failure,
  jsonResult,
  noOutput,
  snooze,
  textResult,
  timeoutError,
} from "./exec_result.ts";
import { type JsonPath, parseJsonPath } from "./json_path.ts";
import { OutputCapture } from "./output_capture.ts";
import { OutputFiles } from "./output_files.ts";
import { type CommandLine, startCommand } from "./start_command.ts";
import { StderrProgress } from "./stderr_progress.ts";

/** What of a command's output becomes the result. */
export type StdoutMode = "text" | "json";

/** Options of {@linkcode ExecAgent}. */
export interface ExecOptions {
  /** The program and its arguments, with places to be filled; see `fillArgument`. */
  readonly command: readonly string[];
  /** The environment that the command inherits; see `cleanEnvironment` for what is taken out. */
  readonly env: Readonly<Record<string, string>>;
  /** Further variables, whatever their names; `OUROCODUS_…` is added for each work item. */
  readonly setEnv?: Readonly<Record<string, string>>;
  /** The folder that the command runs in; this process's by default. */
  readonly cwd?: string;
  /** What is on its standard input: the payload's `message` (default), all of it, or nothing. */
  readonly stdin?: StdinMode;
  /** What its standard output is: text (default) or JSON. */
  readonly stdout?: StdoutMode;
  /** A path in its JSON, like `.is_error`: if something is there, that is an error. */
  readonly errorIf?: string;
  /** Whether printing nothing, or white space alone, is an error. */
  readonly requireOutput?: boolean;
  /** Bubblewrap's path, to confine the command to `cwd` and `outputFolder`; see `findSandbox`. */
  readonly bwrap?: string;
  /** How long it may take, in milliseconds, 1 to 2 147 483 647; without it as long as it likes. */
  readonly timeoutMs?: number;
  /** How long after SIGTERM SIGKILL comes, in milliseconds; 10 000 by default. */
  readonly killAfterMs?: number;
  /** Exit codes, 1 to 255, that release the work; a signal's is 128 and its number. */
  readonly retryOn?: readonly number[];
  /** When such work may be handed out again, in milliseconds; 1 000 by default. */
  readonly retryDelayMs?: number;
  /** Exit codes that put the work off, uncharged: until a time that the command prints, see `snooze`. */
  readonly snoozeOn?: readonly number[];
  /** Where output goes that is too large for a result; a new temporary folder by default. */
  readonly outputFolder?: string;
  /** Of one output as much is kept in a file, in bytes; 1 GiB by default. */
  readonly maxOutputBytes?: number;
  /** For tests: the time. */
  readonly clock?: Clock;
}

const DEFAULT_KILL_AFTER_MS = 10_000;
const DEFAULT_MAX_OUTPUT_BYTES = 1024 ** 3;
/** Of an output's end as much is in an error, in bytes. */
const TAIL_BYTES = 16_384;

/** Runs a command for each work item; `handler` is for `serve`. */
export class ExecAgent implements AsyncDisposable {
  readonly #options: ExecOptions;
  readonly #line: CommandLine;
  readonly #args: readonly string[];
  readonly #cwd: string;
  readonly #errorIf: JsonPath | undefined;
  readonly #env: Readonly<Record<string, string>>;
  readonly #clock: Clock;
  readonly #killAfterMs: number;
  readonly #files: OutputFiles;
  readonly #keeper: Keeper;
  readonly #processes = new Set<MarkedProcess>();
  readonly #running = new Running();

  /**
   * @param options What to run, and how.
   * @throws {OptionError} If the command is not there or not executable, the folder is none or
   * cannot be confined to, or `errorIf` is no path.
   */
  constructor(options: ExecOptions) {
    const { command: [name = "", ...args], cwd = Deno.cwd() } = options;
    const env = { ...cleanEnvironment(options.env), ...options.setEnv };
    checkFolder(cwd);
    const found = findProgram(name, { path: env.PATH, cwd });
    if (found.kind === "invalid") throw new OptionError(`Cannot run the command: ${found.reason}`);
    this.#options = options;
    this.#line = commandLine(found.path, { ...options, cwd }, env);
    this.#args = args;
    this.#cwd = cwd;
    this.#errorIf = errorPath(options);
    this.#env = env;
    this.#clock = options.clock ?? systemClock;
    this.#killAfterMs = options.killAfterMs ?? DEFAULT_KILL_AFTER_MS;
    this.#files = new OutputFiles({
      folder: options.outputFolder,
      maxBytes: options.maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    });
    this.#keeper = new Keeper(this.#killAfterMs, { clock: this.#clock });
  }

  /** For `serve`. */
  readonly handler: Handler = (work, context) => this.#running.add(this.#work(work, context));

  /** Kills all commands at once. What has left their process groups is left to the keeper. */
  kill(): void {
    for (const process of this.#processes) process.signal("SIGKILL");
  }

  /** Waits until nothing runs any more. `serve` has ended before, so nothing is begun. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.ended();
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
    if (context.attempt > 1) await this.#endEarlier(work);
    context.signal.throwIfAborted();
    const begun = this.#clock.now();
    const { process, omitted } = await this.#start(input);
    try {
      const { status, cause } = await awaitCommand(process, {
        signal: context.signal,
        timeoutMs: this.#options.timeoutMs,
        killAfterMs: this.#killAfterMs,
        clock: this.#clock,
        onOutput: (chunk) => output.write(chunk),
        onError: (chunk) => stderr.write(chunk),
      });
      output.finish();
      stderr.end();
      if (cause === "aborted") throw context.signal.reason;
      const ended = {
        name,
        exitCode: status.code,
        signal: status.signal,
        durationMs: Math.round(this.#clock.now() - begun),
        output,
        stderr,
        omitted,
      };
      return await this.#answer(ended, cause, context.maxPayloadBytes);
    } finally {
      this.#processes.delete(process);
      output.close();
      if (!output.isNamed || context.signal.aborted) await output.discard();
    }
  }

  /** Ends what an agent on this machine has left of the same work, killed together with its keeper. */
  async #endEarlier({ key }: Work): Promise<void> {
    const options = { variable: WORK_VARIABLE, graceMs: this.#killAfterMs, clock: this.#clock };
    await endMarked([key], options);
  }

  async #start(input: CommandInput): Promise<ReturnType<typeof startCommand>> {
    const mark = crypto.randomUUID();
    // First, so that it knows of a command that has begun when this process is killed.
    await this.#keeper.add(mark);
    try {
      const started = startCommand(this.#line, input, {
        env: this.#env,
        cwd: this.#cwd,
        clock: this.#clock,
        mark,
        keeper: this.#keeper,
      });
      this.#processes.add(started.process);
      return started;
    } catch (error) {
      this.#keeper.remove(mark);
      throw error;
    }
  }

  async #answer(
    ended: EndedCommand,
    cause: "timeout" | undefined,
    maxPayloadBytes: number,
  ): Promise<unknown> {
    const { stdout, timeoutMs = 0, requireOutput } = this.#options;
    const { retryOn = [], retryDelayMs, snoozeOn = [] } = this.#options;
    if (cause === "timeout") throw await timeoutError(ended, timeoutMs, maxPayloadBytes);
    if (snoozeOn.includes(ended.exitCode)) throw snooze(ended, retryDelayMs);
    if (ended.exitCode !== 0) {
      throw await failure(ended, { maxPayloadBytes, retryOn, retryDelayMs });
    }
    if (requireOutput && isBlank(ended.output)) throw await noOutput(ended, maxPayloadBytes);
    if (stdout !== "json") return await textResult(ended, maxPayloadBytes);
    return await jsonResult(ended, { maxPayloadBytes, errorIf: this.#errorIf });
  }
}

function commandLine(
  path: string,
  { command, bwrap, cwd, outputFolder }: ExecOptions & { readonly cwd: string },
  env: Readonly<Record<string, string>>,
): CommandLine {
  if (bwrap === undefined) return { path, before: [] };
  const folder = resolve(cwd);
  if (folder === "/") throw new OptionError('Cannot confine the command to "/": name a folder');
  const writable = outputFolder === undefined ? [] : [resolve(outputFolder)];
  const sandbox = { program: bwrap, writable, readable: command, env };
  const [program = bwrap, ...before] = confined([path], folder, sandbox);
  return { path: program, before };
}

function errorPath({ errorIf, stdout }: ExecOptions): JsonPath | undefined {
  if (errorIf === undefined) return undefined;
  if (stdout === "json") return parseJsonPath(errorIf, "--error-if");
  throw new OptionError(
    `--error-if is ${JSON.stringify(errorIf)}, which needs JSON: add --stdout json`,
  );
}

function isBlank(output: OutputCapture): boolean {
  return output.isWhole && withoutEscapeCodes(output.head()).trim() === "";
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

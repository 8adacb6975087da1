/**
 * A command line of the operator's that runs in a worktree, to set it up or to check it.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { awaitCommand, ByteTail, type Keeper, MarkedProcess } from "../processes/mod.ts";

/** How a command line ended. */
export interface ShellResult {
  /** Its exit code; 128 and the signal's number if a signal ended it. */
  readonly exitCode: number;
  /** Whether it took longer than it may and was ended. */
  readonly timedOut: boolean;
  /** The end of what it printed on both outputs. */
  readonly output: string;
  readonly durationMs: number;
}

/** Options of {@linkcode runShell}. */
export interface ShellOptions {
  readonly cwd: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Finds what it leaves behind. */
  readonly mark: string;
  /** Ends it if the agent is killed. */
  readonly keeper: Keeper;
  /** Puts a command into a sandbox. */
  readonly wrap: (command: readonly string[]) => readonly string[];
  readonly clock: Clock;
  /** How long it may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Ends it; `runShell` then throws the signal's reason. */
  readonly signal: AbortSignal;
}

/** Of what it prints as much is kept, in bytes. */
const TAIL_BYTES = 16_384;
/** How long after SIGTERM it is killed, in milliseconds. */
const KILL_AFTER_MS = 5_000;

/**
 * Runs a command line with /bin/sh. Nothing that it started is left when this returns.
 *
 * @throws The signal's reason if that was aborted.
 */
export async function runShell(command: string, options: ShellOptions): Promise<ShellResult> {
  const { cwd, env, mark, keeper, wrap, clock, timeoutMs, signal } = options;
  signal.throwIfAborted();
  const begun = clock.now();
  await keeper.add(mark);
  // One pipe for both outputs keeps their lines in order.
  const [path = "", ...args] = wrap(["/bin/sh", "-c", `exec 2>&1\n${command}`]);
  const process = new MarkedProcess(path, {
    ...{ args, env, cwd, clock, mark, keeper },
    hasInput: false,
  });
  const tail = new ByteTail(TAIL_BYTES);
  const { status, cause } = await awaitCommand(process, {
    ...{ signal, timeoutMs, killAfterMs: KILL_AFTER_MS, clock },
    onOutput: (chunk) => tail.add(chunk),
    onError: () => {}, // Only the sandbox writes there: the command's is in its output.
  });
  signal.throwIfAborted();
  return {
    exitCode: status.code,
    timedOut: cause === "timeout",
    output: tail.text(),
    durationMs: Math.round(clock.now() - begun),
  };
}

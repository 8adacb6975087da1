/**
 * A program in a session of its own and with a mark in its environment, so that it can be ended
 * together with everything that it has started.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { endProcesses } from "./end_processes.ts";
import type { Keeper } from "./keeper.ts";
import { checkMark, Lineage, MARK_VARIABLE, markEntries } from "./lineage.ts";
import { identifyChild, type ProcessRow } from "./process_table.ts";

/** How to start a program. */
export interface StartOptions {
  readonly args: readonly string[];
  /** The whole environment, except the mark. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Of letters, digits, `.`, `_` and `-`; a random one by default. */
  readonly mark?: string;
  /**
   * Ends it if this process is killed, and looks for what leaves its session meanwhile. To be
   * certain, await `keeper.add(mark)` before the start.
   */
  readonly keeper?: Keeper;
  /** Whether something can be written to its standard input; true by default. */
  readonly hasInput?: boolean;
}

/** A started program; `end` ends everything that it has started, too. */
export class MarkedProcess {
  /** The id of the program's process, and of its process group and session. */
  readonly pid: number;
  readonly mark: string;
  /** Its standard input; undefined without `hasInput`. */
  readonly stdin: WritableStream<Uint8Array> | undefined;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Settles when the program itself has ended; what it has started may still run. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #clock: Clock;
  readonly #keeper: Keeper | undefined;
  readonly #lineage: Lineage;

  /**
   * Starts a program.
   *
   * @param path An absolute path.
   * @throws Whatever the system says against it; `code` is `ENOENT`, `E2BIG`, …
   */
  constructor(path: string, options: StartOptions) {
    const { args, env, cwd, mark = crypto.randomUUID(), keeper, hasInput = true } = options;
    checkMark(mark);
    const child = new Deno.Command(path, {
      args: [...args],
      env: { ...env, [MARK_VARIABLE]: mark },
      clearEnv: true,
      cwd,
      stdin: hasInput ? "piped" : "null",
      stdout: "piped",
      stderr: "piped",
      detached: true, // Calls setsid.
    }).spawn();
    this.pid = child.pid;
    this.mark = mark;
    this.stdin = hasInput ? child.stdin : undefined;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    this.status = child.status;
    this.#clock = options.clock;
    this.#keeper = keeper;
    this.#lineage = new Lineage({ entries: markEntries([mark]), root: identifyChild(child.pid) });
    keeper?.follow(mark, this.#lineage);
  }

  /** Sends a signal to its process group, if there is still something of it. */
  signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.pid, signal);
    } catch {
      // It has ended; or it is another user's, as a setuid program is, and not ours to end.
    }
  }

  /** What is left of it, and of everything that it has started. */
  left(): ProcessRow[] {
    return this.#lineage.look();
  }

  /**
   * Ends what is left: SIGTERM, and SIGKILL for what has not ended after `graceMs`. To be called
   * also when the program has ended by itself.
   *
   * @returns Settles when nothing is left, or the system does not end it.
   */
  async end(graceMs: number): Promise<void> {
    await endProcesses(() => this.left(), { graceMs, clock: this.#clock, group: this.pid });
    this.#keeper?.remove(this.mark);
  }
}

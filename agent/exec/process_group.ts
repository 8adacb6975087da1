/**
 * A command in a process group of its own, so that it can be ended together with everything that
 * it has started, save what has made itself a session (`setsid`).
 *
 * @module
 */
import process from "node:process";
import type { Clock } from "../clock.ts";

/** How to start a command. */
export interface StartOptions {
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Text for standard input; without it, there is nothing on it. */
  readonly stdin: string | undefined;
}

/** How often is looked whether a group has ended, in milliseconds: the first pause, and the last. */
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 100;
/** How long a killed process may take to end, in milliseconds: it may wait for a disk. */
const KILLED_MS = 2_000;

/** See the top of the file. */
export class ProcessGroup {
  /** The id of the command's process, and of its group. */
  readonly pid: number;
  readonly stdout: ReadableStream<Uint8Array>;
  readonly stderr: ReadableStream<Uint8Array>;
  /** Settles when the command itself has ended. */
  readonly status: Promise<Deno.CommandStatus>;
  readonly #clock: Clock;

  /**
   * Starts a command.
   *
   * @param path An absolute path.
   * @throws Whatever the system says against it; `code` is `ENOENT`, `E2BIG`, …
   */
  constructor(path: string, options: StartOptions) {
    const { args, env, cwd, stdin } = options;
    const child = new Deno.Command(path, {
      args: [...args],
      env: { ...env },
      clearEnv: true,
      cwd,
      stdin: stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
      detached: true, // Calls setsid.
    }).spawn();
    this.#clock = options.clock;
    this.pid = child.pid;
    this.stdout = child.stdout;
    this.stderr = child.stderr;
    this.status = child.status;
    if (stdin !== undefined) void feed(child.stdin, stdin);
  }

  /** Sends a signal to all of the group, if there is still something of it. */
  signal(signal: Deno.Signal): void {
    try {
      Deno.kill(-this.pid, signal);
    } catch {
      // It has ended; or it is another user's, as a setuid program is, and not ours to end.
    }
  }

  /** Whether a process of the group has not ended. */
  isAlive(): boolean {
    try {
      process.kill(-this.pid, 0);
    } catch (error) {
      return (error as { code?: unknown }).code === "EPERM";
    }
    // What has ended and was not asked for its exit code by its parent can be signalled too.
    return Deno.build.os !== "linux" || hasLivingMember(this.pid);
  }

  /**
   * Ends the group: SIGTERM, and SIGKILL if something of it is left after `graceMs`.
   *
   * @returns Settles when nothing of it is left, or the system does not end it.
   */
  async end(graceMs: number): Promise<void> {
    this.signal("SIGTERM");
    if (await this.#endsWithin(graceMs)) return;
    this.signal("SIGKILL");
    await this.#endsWithin(KILLED_MS);
  }

  async #endsWithin(limitMs: number): Promise<boolean> {
    const until = this.#clock.now() + limitMs;
    for (let pauseMs = FIRST_PAUSE_MS; this.isAlive(); pauseMs *= 2) {
      const leftMs = until - this.#clock.now();
      if (leftMs <= 0) return false;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#clock.after(Math.min(pauseMs, LAST_PAUSE_MS, leftMs), resolve);
      await promise;
    }
    return true;
  }
}

/** Writes all, or as much as the command reads: to read less is its right. */
async function feed(stdin: WritableStream<Uint8Array>, text: string): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(new TextEncoder().encode(text));
    await writer.close();
  } catch {
    // A broken pipe.
  }
}

function hasLivingMember(group: number): boolean {
  for (const { name } of Deno.readDirSync("/proc")) {
    if (/^\d+$/.test(name) && isLivingMember(name, group)) return true;
  }
  return false;
}

function isLivingMember(pid: string, group: number): boolean {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name, in parentheses, may hold anything, parentheses too.
    const [state, , processGroup] = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return processGroup === String(group) && state !== "Z" && state !== "X";
  } catch {
    return false; // It has ended just now.
  }
}

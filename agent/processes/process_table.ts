/**
 * The processes of this machine: who started whom, in which session, since when.
 *
 * Linux: `/proc`. Elsewhere: `ps`, which tells neither sessions nor environments.
 *
 * @module
 */

/** A process by its pid and the time of its start: no other process is ever taken for it. */
export interface ProcessId {
  readonly pid: number;
  /** Linux: ticks since boot; elsewhere: milliseconds since 1970, in whole seconds. */
  readonly started: number;
}

/** A process that has not ended. */
export interface ProcessRow extends ProcessId {
  readonly parent: number;
  readonly group: number;
  /** Elsewhere than on Linux: its group. */
  readonly session: number;
  /** What the program is called, as far as the system tells: at most 15 bytes. */
  readonly name: string;
}

/** The processes of a moment, by pid. */
export type ProcessTable = ReadonlyMap<number, ProcessRow>;

/** Options of {@linkcode readProcesses}. */
export interface ReadOptions {
  /** Called for each process as soon as it is read, with Linux alone. */
  readonly visit?: (row: ProcessRow) => void;
  /** Processes that were started before this are not read anew each time; 0 by default. */
  readonly since?: number;
}

/** A look ends after this many listings, if each has processes that the one before did not have. */
const MAX_LISTINGS = 50;
/**
 * How long a row is believed, in milliseconds. Linux hands out pids in a circle, and no machine
 * starts so many processes in this time that it comes around.
 */
const BELIEVED_MS = 250;
/** With fewer pids than this it may. */
const MIN_PIDS = 32_768;

/** The last whole reading: where hundreds of commands end a second, most processes are older. */
let last: { readonly at: number; readonly rows: ProcessTable } | undefined;

/**
 * Reads all processes that have not ended.
 *
 * A process that starts another and ends may be missed between the listing and the reading. So the
 * list is read again until it has nothing new: then nothing was started since the last one.
 *
 * @throws If there are no file descriptors left to read with, see `isScarcity`.
 */
export function readProcesses(options: ReadOptions = {}): ProcessTable {
  if (Deno.build.os !== "linux") return readPs();
  const { visit = () => {}, since = 0 } = options;
  const begun = performance.now();
  const known = last !== undefined && begun - last.at < BELIEVED_MS ? last.rows : undefined;
  const rows = new Map<number, ProcessRow>();
  const seen = new Set<number>();
  for (let count = 0; count < MAX_LISTINGS; count++) {
    const fresh = listPids().filter((pid) => !seen.has(pid));
    if (fresh.length === 0) break;
    for (const pid of fresh) {
      seen.add(pid);
      const old = known?.get(pid);
      const row = old !== undefined && old.started < since ? old : readProcess(pid);
      if (row === undefined) continue;
      rows.set(pid, row);
      visit(row);
    }
  }
  if (known === undefined && maxPids() >= MIN_PIDS) last = { at: begun, rows };
  return rows;
}

function maxPids(): number {
  try {
    return Number(Deno.readTextFileSync("/proc/sys/kernel/pid_max"));
  } catch {
    return 0;
  }
}

/** Reads one process; undefined if it has ended, even if nobody has asked for its exit code. */
export function readProcess(pid: number): ProcessRow | undefined {
  if (Deno.build.os !== "linux") return readPs(pid).get(pid);
  const stat = readStat(pid);
  return stat?.hasEnded === false ? stat.row : undefined;
}

/**
 * Identifies a process that was just started, whether it has ended meanwhile or not.
 *
 * @returns Undefined if the system does not tell any more.
 */
export function identifyChild(pid: number): ProcessId | undefined {
  try {
    const row = Deno.build.os === "linux" ? readStat(pid)?.row : readPs(pid).get(pid);
    return row === undefined ? undefined : { pid, started: row.started };
  } catch {
    return undefined;
  }
}

/**
 * Whether a process was started with one of these entries (`NAME=value`) in its environment.
 *
 * @returns Undefined if its environment is empty, as it also is for a moment while the process
 * becomes another program.
 */
export function environmentHas(pid: number, entries: readonly string[]): boolean | undefined {
  let text: string;
  try {
    text = `\0${Deno.readTextFileSync(`/proc/${pid}/environ`)}\0`;
  } catch (error) {
    if (isScarcity(error)) throw error;
    return false; // It has ended, is another user's, or has made itself unreadable.
  }
  if (text === "\0\0") return undefined;
  return entries.some((entry) => text.includes(`\0${entry}\0`));
}

/**
 * Sends a signal to exactly this process.
 *
 * @returns `gone` if it has ended, also if its pid is another's now; `refused` if it is another
 * user's, as a setuid program is.
 */
export function signalProcess(
  { pid, started }: ProcessId,
  signal: Deno.Signal,
): "sent" | "gone" | "refused" {
  if (readProcess(pid)?.started !== started) return "gone";
  try {
    Deno.kill(pid, signal);
    return "sent";
  } catch (error) {
    return error instanceof Deno.errors.NotFound || error instanceof TypeError ? "gone" : "refused";
  }
}

function listPids(): number[] {
  const names = Array.from(Deno.readDirSync("/proc"), ({ name }) => name);
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

function readStat(pid: number): { row: ProcessRow; hasEnded: boolean } | undefined {
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // "pid (name) state …", where the name may hold anything, parentheses and line breaks too.
    const end = text.lastIndexOf(")");
    const fields = text.slice(end + 2).split(" ");
    const field = (index: number) => Number(fields[index]);
    const row = {
      pid,
      name: text.slice(text.indexOf("(") + 1, end),
      parent: field(1),
      group: field(2),
      session: field(3),
      started: field(19),
    };
    const isDead = fields[0] === "Z" || fields[0] === "X";
    // A process whose first thread has ended looks dead, but goes on with the others.
    return { row, hasEnded: isDead && field(17) <= 1 };
  } catch (error) {
    if (isScarcity(error)) throw error;
    return undefined; // It has ended just now.
  }
}

/** Whether something could not be read for want of file descriptors or memory. */
export function isScarcity(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
}

/** What `ps` tells: of all, or of one. Exported for a test. */
export function readPs(pid?: number): ProcessTable {
  const { stdout } = new Deno.Command("ps", {
    args: [
      ...(pid === undefined ? ["-ax"] : ["-p", String(pid)]),
      "-o",
      "pid=,ppid=,pgid=,stat=,lstart=",
    ],
    env: { LC_ALL: "C", TZ: "UTC" },
    stderr: "null",
  }).outputSync();
  const rows = new Map<number, ProcessRow>();
  for (const line of new TextDecoder().decode(stdout).split("\n")) {
    const [pid, parent, group, state = "Z", ...date] = line.trim().split(/\s+/);
    if (state.startsWith("Z")) continue;
    rows.set(Number(pid), {
      pid: Number(pid),
      parent: Number(parent),
      group: Number(group),
      session: Number(group),
      started: Date.parse(`${date.join(" ")} UTC`),
      name: "",
    });
  }
  return rows;
}

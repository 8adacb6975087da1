/**
 * What belongs to a program that was started: itself, and everything that it has started, whatever
 * session it has made itself.
 *
 * A process belongs to it
 * 1. if its environment has the mark, which every child inherits;
 * 2. if it is in the session, or the process group, that the program was started in;
 * 3. if its parent belongs to it;
 * 4. if it belonged to it at an earlier look, which a {@linkcode Keeper} has from time to time.
 *
 * Not found is a process of which all of this is true: it has left the session (`setsid`), its
 * environment lacks the mark (`env -i`), or cannot be read (another user's, as after `sudo`; or
 * `ssh-agent`, which forbids it), its parent has ended, and it was not looked for in between. Nor
 * is what another service starts when asked: `systemd-run`, `docker run`, `at`. Elsewhere than on
 * Linux environments cannot be read, so the mark alone finds nothing there. `bwrap` leaves no gap
 * but those services: see `sandbox.ts`.
 *
 * This process and those that it descends from never belong to anything.
 *
 * @module
 */
import process from "node:process";
import {
  environmentHas,
  type ProcessId,
  type ProcessRow,
  type ProcessTable,
  readProcess,
  readProcesses,
} from "./process_table.ts";

/** The variable that has the mark. */
export const MARK_VARIABLE = "OUROCODUS_MARK";

/** How often is read again what cannot be read while a process is becoming another program. */
const MAX_READINGS = 10;
/** The parent of all threads of Linux' kernel. */
const KERNEL_THREADS = 2;

/** Options of {@linkcode Lineage}. */
export interface LineageOptions {
  /** Entries of the environment, `NAME=value`; one of them is enough. */
  readonly entries: readonly string[];
  /** The process that was started as the leader of a session, if it is known. */
  readonly root?: ProcessId;
}

/** Finds the processes that belong to one program. */
export class Lineage {
  readonly #entries: readonly string[];
  readonly #root: ProcessId | undefined;
  /** What belonged to it at the last look: pids, with the times of their start. */
  #seen: ReadonlyMap<number, number> = new Map();

  constructor(options: LineageOptions) {
    this.#entries = options.entries;
    this.#root = options.root;
  }

  /** The process that was started. */
  get root(): ProcessId | undefined {
    return this.#root;
  }

  /** Looks at all processes and their environments. @returns What belongs to it and has not ended. */
  look(): ProcessRow[] {
    if (this.#hasEndedForPs()) return [];
    const marked = new Set<number>();
    let read = this.#read(marked);
    for (let time = 1; time < MAX_READINGS && !read.isWhole; time++) read = this.#read(marked);
    return this.#members(read.table, marked);
  }

  /**
   * Reads all processes, and notes whose environment has the mark. It is not whole if a process ended
   * that was just becoming another program: what it has started since was not read.
   */
  #read(marked: Set<number>): { readonly table: ProcessTable; readonly isWhole: boolean } {
    const since = this.#root?.started ?? 0;
    const empty: number[] = [];
    const visit = ({ pid, parent, started }: ProcessRow) => {
      // What is older than the program cannot have been started by it, nor a thread of the kernel.
      if (started < since || parent === KERNEL_THREADS) return;
      const has = environmentHas(pid, this.#entries);
      if (has === undefined) empty.push(pid);
      if (has === true) marked.add(pid);
    };
    const table = readProcesses({ visit, since });
    let isWhole = true;
    for (const pid of empty) {
      const has = this.#becomes(pid);
      if (has === true) marked.add(pid);
      else if (has === false) isWhole = false;
    }
    return { table, isWhole };
  }

  /** Reads an environment that was empty again: a script becomes another program twice in a row. */
  #becomes(pid: number): boolean | undefined {
    let has: boolean | undefined;
    for (let time = 0; time < MAX_READINGS && has === undefined; time++) {
      has = environmentHas(pid, this.#entries);
    }
    return has;
  }

  /** The same without environments: for looks that come often. */
  lookIn(table: ProcessTable): ProcessRow[] {
    return this.#members(table, new Set());
  }

  #members(table: ProcessTable, marked: ReadonlySet<number>): ProcessRow[] {
    const above = ancestors(table);
    const session = this.#session(table);
    const members = new Map<number, ProcessRow>();
    const take = (row: ProcessRow) => {
      if (members.has(row.pid) || above.has(row.pid)) return;
      members.set(row.pid, row);
      for (const child of children.get(row.pid) ?? []) take(child);
    };
    const children = Map.groupBy(table.values(), ({ parent }) => parent);
    for (const row of table.values()) {
      const { pid, started } = row;
      const belongs = marked.has(pid) || this.#seen.get(pid) === started ||
        (session !== undefined && (row.session === session || row.group === session));
      if (belongs) take(row);
    }
    this.#seen = new Map(Array.from(members.values(), ({ pid, started }) => [pid, started]));
    return [...members.values()];
  }

  /** Saves running `ps` where nothing but the process group could be found by it. */
  #hasEndedForPs(): boolean {
    if (Deno.build.os === "linux" || this.#root === undefined || this.#seen.size > 0) return false;
    try {
      process.kill(-this.#root.pid, 0);
      return false;
    } catch (error) {
      return (error as { code?: unknown }).code === "ESRCH";
    }
  }

  /** The session's number; undefined if it is another's now, as only after all of ours has ended. */
  #session(table: ProcessTable): number | undefined {
    if (this.#root === undefined) return undefined;
    const { pid, started } = this.#root;
    const leader = table.get(pid);
    return leader === undefined || leader.started === started ? pid : undefined;
  }
}

/**
 * The processes that have one of these marks in their environment, and what they have started.
 *
 * @returns Their pids; none elsewhere than on Linux.
 */
export function markedProcesses(marks: readonly string[]): number[] {
  return new Lineage({ entries: markEntries(marks) }).look().map(({ pid }) => pid);
}

/** @throws {TypeError} If it has other characters than letters, digits, `.`, `_` and `-`. */
export function checkMark(mark: string): void {
  if (!/^[\w.-]+$/.test(mark)) throw new TypeError(`${JSON.stringify(mark)} is no mark`);
}

/** Marks as entries of an environment. */
export function markEntries(marks: readonly string[], variable = MARK_VARIABLE): string[] {
  return marks.map((mark) => `${variable}=${mark}`);
}

function ancestors(table: ProcessTable): Set<number> {
  const above = new Set([Deno.pid]);
  let { parent } = table.get(Deno.pid) ?? readProcess(Deno.pid) ?? { parent: 0 };
  while (parent > 0 && !above.has(parent)) {
    above.add(parent);
    parent = table.get(parent)?.parent ?? 0;
  }
  return above;
}

/**
 * Ending processes, and what they start while they are being ended.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { Lineage, markEntries } from "./lineage.ts";
import { isScarcity, type ProcessRow, signalProcess } from "./process_table.ts";

/** Options of {@linkcode endProcesses}. */
export interface EndOptions {
  /** How long after SIGTERM SIGKILL comes, in milliseconds. */
  readonly graceMs: number;
  readonly clock: Clock;
  /** A process group that is told as a whole, so that none of it sees another end first. */
  readonly group?: number;
}

/** How often to look whether they have ended, in milliseconds: the first pause, and the last. */
const FIRST_PAUSE_MS = 5;
const LAST_PAUSE_MS = 100;
/** How long killed processes may take to end, in milliseconds: they may wait for a disk. */
const KILLED_MS = 2_000;
/** The same, if new ones are found all the time. */
const MAX_KILLED_MS = 30_000;

/**
 * Ends processes: SIGTERM, and SIGKILL for those that are left after `graceMs`, until a look finds
 * none. Those that the system does not let us end, because they are another user's, are left out.
 *
 * @param find What is left.
 * @returns The pids of all that were found and have ended. Settles when nothing is left, or the
 * system does not end it.
 */
export async function endProcesses(
  find: () => readonly ProcessRow[],
  options: EndOptions,
): Promise<number[]> {
  const { graceMs, clock, group } = options;
  const telling = new Telling(group);
  const pids = new Set<number>();
  let left: readonly ProcessRow[] = [];
  const tell = (signal: Deno.Signal): boolean => {
    try {
      const found = find();
      for (const { pid } of found) pids.add(pid);
      left = telling.tell(found, signal);
      return left.length > 0;
    } catch (error) {
      if (isScarcity(error)) return true; // Nobody knows; the next look may.
      throw error;
    }
  };
  const grace = new Pauses(clock, graceMs);
  let isLeft = tell("SIGTERM");
  while (isLeft && await grace.next()) isLeft = tell("SIGTERM");
  const killing = new Pauses(clock, KILLED_MS);
  const last = clock.now() + MAX_KILLED_MS;
  while (isLeft) {
    const { count } = telling;
    isLeft = tell("SIGKILL");
    if (telling.count > count && clock.now() < last) killing.extend(KILLED_MS);
    if (isLeft && !await killing.next()) break;
  }
  for (const pid of [...telling.refused, ...left.map((row) => row.pid)]) pids.delete(pid);
  return [...pids];
}

/** Options of {@linkcode endMarked}. */
export interface EndMarkedOptions extends Pick<EndOptions, "graceMs" | "clock"> {
  /** The variable that has the mark; `OUROCODUS_MARK` by default. */
  readonly variable?: string;
}

/**
 * Ends the processes that have one of these marks in their environment, and what they have started.
 *
 * @returns The pids of those that have ended; none elsewhere than on Linux.
 */
export async function endMarked(
  marks: readonly string[],
  options: EndMarkedOptions,
): Promise<number[]> {
  const lineage = new Lineage({ entries: markEntries(marks, options.variable) });
  return await endProcesses(() => lineage.look(), options);
}

/** Who was told what, over all looks. */
class Telling {
  readonly #group: number | undefined;
  readonly #told = new Map<string, Deno.Signal>();
  readonly #refused = new Map<string, number>();

  constructor(group: number | undefined) {
    this.#group = group;
  }

  /** How many processes were told to end. */
  get count(): number {
    return this.#told.size;
  }

  /** The pids of those that are not ours to end. */
  get refused(): number[] {
    return [...this.#refused.values()];
  }

  /** Tells those that have not been told. @returns Those that are left, and are ours to end. */
  tell(found: readonly ProcessRow[], signal: Deno.Signal): ProcessRow[] {
    const left = found.filter((row) => !this.#refused.has(key(row)));
    const rows = signal === "SIGTERM" ? withoutBoxes(left) : left;
    const untold = rows.filter((row) => this.#told.get(key(row)) !== signal);
    const wholeGroup = this.#tellGroup(left, untold, signal);
    for (const row of untold) {
      const isTold = wholeGroup && signal === "SIGTERM" && row.group === this.#group;
      if (isTold || signalProcess(row, signal) !== "refused") this.#told.set(key(row), signal);
      else this.#refused.set(key(row), row.pid);
    }
    return left.filter((row) => !this.#refused.has(key(row)));
  }

  #tellGroup(
    left: readonly ProcessRow[],
    untold: readonly ProcessRow[],
    signal: Deno.Signal,
  ): boolean {
    const inGroup = ({ group }: ProcessRow) => group === this.#group;
    if (this.#group === undefined || !untold.some(inGroup)) return false;
    // It would be told as well, which is not to be.
    if (left.filter(inGroup).some((row) => !untold.includes(row))) return false;
    try {
      Deno.kill(-this.#group, signal);
      return true;
    } catch {
      return false; // Each is told for itself.
    }
  }
}

/**
 * Without bubblewrap's own processes: on SIGTERM they would end at once, and all within them would
 * be killed. They end after what they run. If nothing else is left, they are told.
 */
function withoutBoxes(rows: readonly ProcessRow[]): readonly ProcessRow[] {
  const others = rows.filter(({ name }) => name !== "bwrap");
  return others.length > 0 ? others : rows;
}

function key({ pid, started }: ProcessRow): string {
  return `${pid} ${started}`;
}

/** Pauses that grow, until a time is over. */
class Pauses {
  readonly #clock: Clock;
  #until: number;
  #pauseMs = FIRST_PAUSE_MS;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#until = clock.now() + limitMs;
  }

  /** There is this much time from now on. */
  extend(limitMs: number): void {
    this.#until = this.#clock.now() + limitMs;
  }

  /** Waits a moment. @returns False at once if the time is over. */
  async next(): Promise<boolean> {
    const leftMs = this.#until - this.#clock.now();
    if (leftMs <= 0) return false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#clock.after(Math.min(this.#pauseMs, LAST_PAUSE_MS, leftMs), resolve);
    await promise;
    this.#pauseMs *= 2;
    return true;
  }
}

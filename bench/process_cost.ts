/**
 * What processes have cost so far, from Linux' `/proc`.
 *
 * @module
 */

/** Clock ticks a second in `/proc`; the same on every Linux that Deno runs on. */
const TICKS = 100;

/** See {@linkcode processCost}. */
export interface ProcessCost {
  /** Memory that is in RAM, in bytes. */
  readonly residentBytes: number;
  /** The most that it ever was. */
  readonly peakBytes: number;
  /** CPU time in all of its threads, user and system, in milliseconds, to within 10. */
  readonly cpuMs: number;
}

/**
 * Reads what a process has cost so far.
 *
 * @param pid A process that runs.
 * @throws {Deno.errors.NotFound} If it does not, or this is no Linux.
 */
export function processCost(pid: number): ProcessCost {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  // What is before the last parenthesis is the program's name, which may hold anything.
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]].map(Number);
  return {
    residentBytes: bytesOf(status, "VmRSS"),
    peakBytes: bytesOf(status, "VmHWM"),
    cpuMs: ((user ?? 0) + (system ?? 0)) * 1_000 / TICKS,
  };
}

/** An amount of memory in what `/proc` says of a process, in bytes. */
export function bytesOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1]) * 1_024;
}

/**
 * What processes have cost so far, added up.
 *
 * @param pids Processes that run.
 * @returns `undefined` for none, or where this is no Linux.
 */
export function costOf(pids: readonly number[]): ProcessCost | undefined {
  if (pids.length === 0 || Deno.build.os !== "linux") return undefined;
  return pids.map(processCost).reduce((sum, cost) => ({
    residentBytes: sum.residentBytes + cost.residentBytes,
    peakBytes: sum.peakBytes + cost.peakBytes,
    cpuMs: sum.cpuMs + cost.cpuMs,
  }));
}

/** What a process has cost so far, from Linux' `/proc`. */

/** Clock ticks a second in `/proc`; the same on every Linux that Deno runs on. */
const TICKS = 100;

/** See {@linkcode processCost}. */
export interface ProcessCost {
  /** Memory that is in RAM, in bytes. */
  readonly residentBytes: number;
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
  const kib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  // What is before the last parenthesis is the program's name, which may hold anything.
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [user, system] = [fields[11], fields[12]].map(Number);
  return { residentBytes: kib * 1024, cpuMs: ((user ?? 0) + (system ?? 0)) * 1_000 / TICKS };
}

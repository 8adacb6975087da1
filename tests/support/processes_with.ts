import { isRunning } from "./is_running.ts";
import { until } from "./until.ts";

/**
 * Finds the processes that were started with a variable, in whatever session and group they are.
 *
 * @param variable `NAME=VALUE`.
 * @returns Their ids, without this process's; none where there is no /proc.
 */
export function processesWith(variable: string): number[] {
  if (Deno.build.os !== "linux") return [];
  return [...Deno.readDirSync("/proc")].flatMap(({ name }) => {
    const pid = Number(name);
    return pid > 0 && pid !== Deno.pid && variablesOf(pid).includes(variable) ? [pid] : [];
  });
}

/** Ends them with SIGKILL, again and again until there are none, and waits until they have ended. */
export async function endProcessesWith(variable: string): Promise<void> {
  await until(async () => {
    const pids = processesWith(variable);
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return !(await Promise.all(pids.map(isRunning))).some(Boolean);
  }, { message: `the end of all processes with ${variable}` });
}

/** A process's environment as it began; empty if it has ended. */
function variablesOf(pid: number): string[] {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0");
  } catch {
    return [];
  }
}

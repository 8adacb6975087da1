/**
 * Lists the processes that a process has started and that are still there.
 *
 * @param pid The process.
 * @returns Their ids.
 */
export async function childrenOf(pid: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", LIST] }).output();
  const pairs = new TextDecoder().decode(stdout).trim().split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  return pairs.flatMap(([child, parent]) => parent === pid && child !== undefined ? [child] : []);
}

/** Lists "pid parent" of all processes; slim systems have no ps but /proc. */
const LIST = `
if [ -e /proc/self/stat ]; then cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) . / /' | cut -d' ' -f1,2
else ps -Ao pid=,ppid=; fi`;

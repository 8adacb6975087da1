/**
 * Which process is meant. A pid alone does not say: once its process has ended it is given to
 * another, and after a restart of the machine to anything. Together with the time of its start,
 * and on Linux the machine's boot, nothing else can be taken for it.
 *
 * @module
 */
import { runToEnd } from "@ourocodus/setup";

/** A process, whether it still runs or not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** As the system tells it: ticks since boot and the boot's id on Linux, else a date. */
  readonly started: string;
}

/**
 * Identifies a process that runs now.
 *
 * @returns Undefined if there is none, or it has ended and only its exit code is kept.
 */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isSafeInteger(pid) || pid < 1) return undefined;
  const started = Deno.build.os === "linux" ? linuxStart(pid) : await psStart(pid);
  return started === undefined ? undefined : { pid, started };
}

/** Whether exactly this process still runs. */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identify(identity.pid))?.started === identity.started;
}

/**
 * Sends a signal, if exactly this process still runs.
 *
 * @param options `group`: to its whole process group, which it must lead.
 * @returns Whether it was sent.
 */
export async function sendSignal(
  identity: ProcessIdentity,
  signal: Deno.Signal,
  options: { readonly group?: boolean } = {},
): Promise<boolean> {
  if (!await isAlive(identity)) return false;
  try {
    Deno.kill(options.group ? -identity.pid : identity.pid, signal);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof TypeError) return false;
    throw error;
  }
}

/** The environment that a process was started with; undefined where it cannot be read. */
export function environmentOf(pid: number): Record<string, string> | undefined {
  try {
    const entries = Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").filter(Boolean);
    return Object.fromEntries(entries.map((entry) => {
      const end = entry.indexOf("=");
      return [entry.slice(0, end), entry.slice(end + 1)];
    }));
  } catch {
    return undefined;
  }
}

let boot: string | undefined;

function linuxStart(pid: number): string | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // "pid (name) state …", where the name may hold parentheses and spaces. The start is field 22.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state] = fields;
    const ticks = fields[19];
    if (ticks === undefined || state === "Z" || state === "X") return undefined;
    boot ??= Deno.readTextFileSync("/proc/sys/kernel/random/boot_id").trim();
    return `${boot} ${ticks}`;
  } catch {
    return undefined;
  }
}

async function psStart(pid: number): Promise<string | undefined> {
  const args = ["-o", "stat=,lstart=", "-p", String(pid)];
  const { stdout } = await runToEnd("ps", args, { env: { LC_ALL: "C", TZ: "UTC" } });
  const [state, ...started] = stdout.trim().split(/\s+/);
  return !state || state.startsWith("Z") ? undefined : started.join(" ");
}

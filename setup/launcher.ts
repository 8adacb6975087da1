import { basename } from "node:path";

/** How often to look whether the launcher is still there, in milliseconds. */
const LOOK_MS = 500;

/** One process of a chain of parents. */
interface Parent {
  readonly pid: number;
  /** The process that started it. */
  readonly parent: number;
}

/**
 * Calls back when the `npx` that started this process has ended. It does not pass SIGTERM on to
 * what it started, so `npx -y deno task demo` would live on without it.
 *
 * Looks only if `npx` started this process, and only on Linux, which shows parents in `/proc`.
 *
 * @param env The environment, in which npm says that it is `npx`.
 * @param onEnd Called once.
 * @returns Stops looking.
 */
export function watchLauncher(
  env: Readonly<Record<string, string | undefined>>,
  onEnd: () => void,
): () => void {
  const chain = env.npm_lifecycle_event === "npx" ? parentsUpTo(isNpx) : [];
  if (chain.length === 0) return () => {};
  const timer = setInterval(() => {
    if (chain.every(({ pid, parent }) => statOf(pid)?.parent === parent)) return;
    clearInterval(timer);
    onEnd();
  }, LOOK_MS);
  Deno.unrefTimer(Number(timer));
  return () => clearInterval(timer);
}

/** This process's parents until the first that is wanted; none if there is no such. */
function parentsUpTo(isWanted: (pid: number) => boolean): Parent[] {
  const chain: Parent[] = [];
  for (let pid = Deno.pid; pid > 1;) {
    const parent = statOf(pid)?.parent;
    if (parent === undefined) break;
    chain.push({ pid, parent });
    if (isWanted(parent)) return chain;
    pid = parent;
  }
  return [];
}

function isNpx(pid: number): boolean {
  try {
    // npm calls itself "npm exec deno task demo" then; before that it is the script npx.
    const [command = ""] = Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0");
    return /^npm (exec|x)\b/.test(command) || basename(command) === "npx";
  } catch {
    return false;
  }
}

function statOf(pid: number): { parent: number } | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // "pid (name) state parent …", where the name may hold parentheses and spaces.
    const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
    return Number.isInteger(parent) ? { parent } : undefined;
  } catch {
    return undefined;
  }
}

import { messageOf } from "@ourocodus/protocol";
import { join } from "node:path";
import { type Host, pathFolders } from "./host.ts";
import { lastLinesOf, type ProgramEnd, type RunOptions, runToEnd } from "./run_to_end.ts";

/** How much is shown of what a failed program wrote, in lines. */
const SHOWN_LINES = 8;

/** Finds a program in PATH. @returns Its path, or `undefined`. */
export async function findProgram(host: Host, name: string): Promise<string | undefined> {
  for (const folder of pathFolders(host)) {
    const path = join(folder, name);
    try {
      if ((await Deno.stat(path)).isFile) return path;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

/**
 * Runs a program to its end, in the host's environment.
 *
 * @param command The program's path and its arguments.
 * @param options `env`: variables besides the host's. `cwd`: the folder that it runs in. `signal`:
 * ends it.
 * @returns `undefined` if it succeeded, else the end of what it wrote.
 * @throws The signal's reason, if it is aborted.
 */
export async function runProgram(
  host: Host,
  [path = "", ...args]: readonly string[],
  options: Pick<RunOptions, "env" | "cwd" | "signal"> = {},
): Promise<string | undefined> {
  const env = { ...definedOf(host.env), ...options.env };
  let end: ProgramEnd;
  try {
    end = await runToEnd(path, args, { ...options, env, clearEnv: true });
  } catch (error) {
    options.signal?.throwIfAborted();
    return `  it cannot be run: ${messageOf(error)}`;
  }
  if (end.success) return undefined;
  const lines = lastLinesOf(end, SHOWN_LINES);
  if (lines.length === 0) return `  it ended with ${end.code}`;
  return lines.map((line) => `  ${line}`).join("\n");
}

function definedOf(env: Host["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

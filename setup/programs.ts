import { join } from "node:path";
import { envValue, type Host } from "./host.ts";

/** How much is shown of what a failed program wrote, in lines. */
const SHOWN_LINES = 8;

/** Finds a program in PATH. @returns Its path, or `undefined`. */
export async function findProgram(host: Host, name: string): Promise<string | undefined> {
  for (const folder of (envValue(host, "PATH") ?? "").split(":")) {
    const path = join(folder, name);
    try {
      if (folder !== "" && (await Deno.stat(path)).isFile) return path;
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
  options: {
    readonly env?: Readonly<Record<string, string>>;
    readonly cwd?: string;
    readonly signal?: AbortSignal;
  } = {},
): Promise<string | undefined> {
  const { env = {}, cwd, signal } = options;
  let output: Deno.CommandOutput;
  try {
    output = await new Deno.Command(path, {
      args,
      env: { ...definedOf(host.env), ...env },
      clearEnv: true,
      cwd,
      stdin: "null",
      signal,
    }).output();
  } catch (error) {
    signal?.throwIfAborted();
    return `  it cannot be run: ${error instanceof Error ? error.message : error}`;
  }
  signal?.throwIfAborted();
  if (output.success) return undefined;
  const decoder = new TextDecoder();
  const text = `${decoder.decode(output.stdout)}${decoder.decode(output.stderr)}`.trim();
  if (text === "") return `  it ended with ${output.code}`;
  return text.split("\n").slice(-SHOWN_LINES).map((line) => `  ${line}`).join("\n");
}

function definedOf(env: Host["env"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

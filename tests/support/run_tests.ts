import { type Counts, countsOf } from "./counts.ts";

/** Options of {@linkcode runTests}. */
export interface RunOptions {
  /** Arguments for `deno test`: files, folders, flags. */
  readonly args: readonly string[];
  /** Where to run it. */
  readonly cwd: string;
  /** Variables added to the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** Receives what it writes to stdout, as it comes; stderr goes where this process's goes. */
  readonly write: (part: Uint8Array) => void;
  /** Ends it, and every process that the tests started. */
  readonly signal?: AbortSignal;
}

/** How long `deno test` may take to end after SIGTERM, in milliseconds. */
const GRACE_MS = 3_000;

/**
 * Runs `deno test`. Afterwards none of its processes is left, and nothing in the temporary folder,
 * however it ended.
 *
 * @param options What to run, and who reads it.
 * @returns The numbers. At least one failed unless `deno test` itself says that all is well, also
 * if nothing could be run.
 */
export async function runTests(options: RunOptions): Promise<Counts> {
  const { args, cwd, env, write, signal } = options;
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-tests-" });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "--allow-all", ...args],
    cwd,
    env: { ...env, TMPDIR: folder },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
    // Its own process group, by which all that the tests started is ended.
    detached: true,
  }).spawn();
  let grace: ReturnType<typeof setTimeout> | undefined;
  const end = () => {
    killGroup(child.pid, "SIGTERM");
    grace = setTimeout(() => killGroup(child.pid, "SIGKILL"), GRACE_MS);
  };
  signal?.addEventListener("abort", end);
  if (signal?.aborted) end();
  try {
    const reading = readOutput(child.stdout, write);
    const { code } = await child.status;
    // What is left of the group holds stdout open.
    killGroup(child.pid, "SIGKILL");
    return countsOf(code, await reading);
  } finally {
    clearTimeout(grace);
    signal?.removeEventListener("abort", end);
    await Deno.remove(folder, { recursive: true });
  }
}

async function readOutput(
  stream: ReadableStream<Uint8Array>,
  write: (part: Uint8Array) => void,
): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const part of stream) {
    write(part);
    text += decoder.decode(part, { stream: true });
  }
  return text;
}

function killGroup(pid: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-pid, signal);
  } catch (error) {
    // Nobody is left in it.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

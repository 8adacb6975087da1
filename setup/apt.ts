import type { Host } from "./host.ts";
import { findProgram, runProgram } from "./programs.ts";
import { SetupError } from "./setup_error.ts";

/** Options of {@linkcode installPip}. */
export interface AptOptions extends Host {
  /** Who runs this; default `Deno.uid()`. Only root (0) can install. */
  readonly uid?: number | null;
  /** Told of each step. */
  readonly say?: (line: string) => void;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** Waits for another apt-get instead of failing, and not forever for a mirror. */
const SETTINGS = [
  "-o",
  "DPkg::Lock::Timeout=120",
  "-o",
  "Acquire::Retries=1",
  "-o",
  "Acquire::http::Timeout=20",
  "-o",
  "Acquire::https::Timeout=20",
];
const INSTALL = ["install", "-y", "-q", "--no-install-recommends", "python3-pip"];

/**
 * Installs Debian's package of pip; first with the package lists that are there, and if that fails
 * with new ones.
 *
 * @param options The machine and the user.
 * @throws {SetupError} `apt`, if there is no apt-get, the user is not root, or apt-get fails; then
 * with the end of what it wrote.
 */
export async function installPip(options: AptOptions): Promise<void> {
  const { say = () => {}, signal, uid = Deno.uid() } = options;
  const command = await findProgram(options, "apt-get");
  if (command === undefined) {
    throw new SetupError("apt", "There is no pip, and no apt-get to install it");
  }
  if (uid !== 0) {
    throw new SetupError("apt", "There is no pip, and only root can install it with apt-get");
  }
  const aptGet = (args: readonly string[]) =>
    runProgram(options, [command, ...SETTINGS, ...args], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
      signal,
    });
  say("Installing pip: apt-get install python3-pip");
  if (await aptGet(INSTALL) === undefined) return;
  say("The package lists are missing or old: apt-get update, then once more");
  const updating = await aptGet(["update", "-q"]);
  const failure = await aptGet(INSTALL);
  if (failure === undefined) return;
  throw new SetupError("apt", `apt-get could not install python3-pip:\n${updating ?? failure}`);
}

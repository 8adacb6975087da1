import { join } from "node:path";
import { envValue, type Host } from "./host.ts";
import { SetupError } from "./setup_error.ts";

/** Options of {@linkcode installWithApt} and {@linkcode whyNotApt}. */
export interface AptOptions extends Host {
  /** Who runs this; default `Deno.uid()`. Only root (0) can install. */
  readonly uid?: number | null;
  /** A folder that is there where systemd runs services; default `/run/systemd/system`. */
  readonly systemdFolder?: string;
  /** Told of each step. */
  readonly say?: (line: string) => void;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/** Waits for another apt-get instead of failing, and not for ever for a mirror. */
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
const INSTALL = ["install", "-y", "-q", "--no-install-recommends", "nats-server"];

/** How much of what a failed apt-get wrote is shown, in lines. */
const SHOWN_LINES = 8;

/**
 * Says why Debian's package cannot be installed from here.
 *
 * @param options The machine and the user.
 * @returns The reason, or `undefined` if it can be tried.
 */
export async function whyNotApt(options: AptOptions): Promise<string | undefined> {
  const { uid = Deno.uid() } = options;
  if (await aptGet(options) === undefined) return "there is no apt-get";
  if (uid !== 0) return "only root can install it";
  return undefined;
}

/**
 * Installs Debian's nats-server package; first with the package lists that are there, and if that
 * fails with new ones.
 *
 * @param options The machine and the user.
 * @throws {SetupError} `apt`, if apt-get fails; with the end of what it wrote.
 */
export async function installWithApt(options: AptOptions): Promise<void> {
  const { say = () => {}, signal, systemdFolder = "/run/systemd/system" } = options;
  const command = await aptGet(options);
  if (command === undefined) throw new SetupError("apt", "There is no apt-get");
  say("Installing Debian's nats-server package: apt-get install nats-server");
  if (await run(command, INSTALL, signal) !== undefined) {
    say("The package lists are missing or old: apt-get update, then once more");
    const updating = await run(command, ["update", "-q"], signal);
    const failure = await run(command, INSTALL, signal);
    if (failure !== undefined) {
      const said = updating ?? failure;
      throw new SetupError("apt", `apt-get could not install nats-server:\n${said}`);
    }
  }
  if (await isFolder(systemdFolder)) {
    say("The package runs a nats-server of its own; to end that, if nobody needs it:");
    say("  systemctl disable --now nats-server");
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isDirectory;
  } catch {
    return false;
  }
}

async function aptGet(options: AptOptions): Promise<string | undefined> {
  for (const folder of (envValue(options, "PATH") ?? "").split(":")) {
    const path = join(folder, "apt-get");
    try {
      if (folder !== "" && (await Deno.stat(path)).isFile) return path;
    } catch {
      // Not there.
    }
  }
  return undefined;
}

/** Runs apt-get; returns `undefined` if it succeeded, else the end of what it wrote. */
async function run(
  command: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const output = await new Deno.Command(command, {
    args: [...SETTINGS, ...args],
    env: { DEBIAN_FRONTEND: "noninteractive" },
    stdin: "null",
    signal,
  }).output();
  signal?.throwIfAborted();
  if (output.success) return undefined;
  const decoder = new TextDecoder();
  const text = `${decoder.decode(output.stdout)}${decoder.decode(output.stderr)}`.trim();
  const end = text.split("\n").slice(-SHOWN_LINES).map((line) => `  ${line}`).join("\n");
  return end.trim() === "" ? `  it ended with ${output.code}` : end;
}

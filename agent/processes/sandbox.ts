/**
 * Bubblewrap: a program in a box of namespaces.
 *
 * In it, everything can be read, and nothing can be written except what is named and a `/tmp` of
 * its own. It sees no process outside of it. When the program ends, or bubblewrap, or who started
 * it, all processes in the box end with it, whatever sessions they have made: the kernel sees to it.
 *
 * The network is open, secrets in files can be read, and so can sockets be connected to: what a
 * service outside does when asked (`docker.sock`, `systemd-run --user`) is not in the box.
 *
 * @module
 */
import { findProgram } from "./program_path.ts";

/** Bubblewrap, or why it cannot be used, with what to do about it at the end. */
export type FoundSandbox =
  | { readonly kind: "bwrap"; readonly program: string }
  | { readonly kind: "missing"; readonly reason: string };

/** What a program in a box may write to. */
export interface SandboxOptions {
  /** Files and folders, as absolute paths; those that are not there are left out. */
  readonly writable: readonly string[];
  /** What it must be able to read although it lies in `/tmp`, where it sees another one. */
  readonly readable?: readonly string[];
  /** The folder that it runs in. */
  readonly cwd: string;
}

/** A box that a program is put into, or none. */
export interface Sandbox extends Omit<SandboxOptions, "cwd"> {
  /** Bubblewrap's path. */
  readonly program: string;
}

/** It only makes namespaces; one that needs longer is stuck. */
const TRY_MS = 10_000;

/**
 * Finds bubblewrap, and proves that it works here: a system may not let users make namespaces.
 *
 * @param path The value of `PATH`.
 */
export async function findSandbox(path: string | undefined): Promise<FoundSandbox> {
  if (Deno.build.os !== "linux") return missing("bwrap runs on Linux alone", "--sandbox none");
  const found = findProgram("bwrap", { path, cwd: "/" });
  if (found.kind === "invalid") return missing(found.reason, "sudo apt install bubblewrap");
  const { path: program } = found;
  const said = await tryProgram(program);
  return said === undefined
    ? { kind: "bwrap", program }
    : missing(`${program} does not work here: ${said}`, repair());
}

/**
 * The arguments of bubblewrap that run a command in a box.
 *
 * @param program Bubblewrap.
 * @returns Program and arguments.
 */
export function bwrapCommand(
  program: string,
  command: readonly string[],
  options: SandboxOptions,
): string[] {
  return [
    program,
    ...["--ro-bind", "/", "/"],
    ...["--dev", "/dev"],
    ...["--proc", "/proc"],
    ...["--tmpfs", "/tmp"],
    ...(options.readable ?? []).map(realPath).filter(isInTmp)
      .flatMap((path) => ["--ro-bind-try", path, path]),
    ...options.writable.map(realPath).flatMap((path) => ["--bind-try", path, path]),
    ...["--unshare-pid", "--die-with-parent", "--new-session"],
    ...["--chdir", options.cwd],
    "--",
    ...command,
  ];
}

/**
 * A command that runs in a folder: in a sandbox, where there is one, which lets it write to the
 * folder, too.
 */
export function confined(
  command: readonly string[],
  folder: string,
  sandbox: Sandbox | undefined,
): readonly string[] {
  if (sandbox === undefined) return command;
  const { program, writable, readable } = sandbox;
  return bwrapCommand(program, command, {
    writable: [folder, ...writable],
    readable,
    cwd: folder,
  });
}

function isInTmp(path: string): boolean {
  return path.startsWith("/tmp/");
}

/** Bubblewrap cannot bind over a symbolic link. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}

/** @returns What was said against it, or nothing. */
async function tryProgram(program: string): Promise<string | undefined> {
  const [name = program, ...args] = bwrapCommand(program, ["true"], { writable: [], cwd: "/" });
  const ended = await new Deno.Command(name, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(TRY_MS),
  }).output().catch((error) => error as Error);
  if (ended instanceof Error) return ended.message;
  if (ended.success) return undefined;
  const said = new TextDecoder().decode(ended.stderr).trim().split("\n").at(-1);
  return said || `it ended with exit code ${ended.code}`;
}

/** The settings with which systems forbid namespaces: file, value, and what allows them. */
const FORBIDDEN = [
  ["kernel/apparmor_restrict_unprivileged_userns", "1", "0"],
  ["kernel/unprivileged_userns_clone", "0", "1"],
  ["user/max_user_namespaces", "0", "15000"],
] as const;

function repair(): string {
  const found = FORBIDDEN.find(([file, value]) => readSetting(file) === value);
  if (found === undefined) return "--sandbox none";
  const [file, , allowed] = found;
  return `sudo sysctl -w ${file.replace("/", ".")}=${allowed}`;
}

function readSetting(file: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/sys/${file}`).trim();
  } catch {
    return undefined;
  }
}

function missing(why: string, command: string): FoundSandbox {
  return { kind: "missing", reason: `${why}; to go on: ${command}` };
}

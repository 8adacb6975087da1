/**
 * Bubblewrap: a program in a box of namespaces.
 *
 * In it, everything can be read, and nothing can be written except what is named and a `/tmp` of
 * its own. Of the `/tmp` outside, it sees what its program, `PATH` and `HOME` need: a user's home may
 * lie there. It sees no process outside of it. When the program ends, or bubblewrap, or who started
 * it, all processes in the box end with it, whatever sessions they have made: the kernel sees to it.
 *
 * The network is open, secrets in files can be read, and so can sockets be connected to: what a
 * service outside does when asked (`docker.sock`, `systemd-run --user`) is not in the box.
 *
 * @module
 */
import { isAbsolute, resolve } from "node:path";
import { findProgram } from "./program_path.ts";

/** Bubblewrap, or why it cannot be used, with what to do about it at the end. */
export type FoundSandbox =
  | { readonly kind: "bwrap"; readonly program: string }
  | { readonly kind: "missing"; readonly reason: string };

/** What a program in a box may write to, and what it needs to see. */
export interface SandboxOptions {
  /** Files and folders, as absolute paths; those that are not there are left out. */
  readonly writable: readonly string[];
  /** Files and folders to see although they may lie in `/tmp`; words that are no path are not. */
  readonly readable?: readonly string[];
  /** Files that it must not read: they are empty in the box. */
  readonly hidden?: readonly string[];
  /** Its environment; it sees what `PATH` and `HOME` name. */
  readonly env: Readonly<Record<string, string>>;
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
  const said = await tryProgram(program, path);
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
    ...["--tmpfs", "/tmp", "--setenv", "TMPDIR", "/tmp"],
    ...seenInTmp([...command.slice(0, 1), ...options.readable ?? []], options.env),
    ...options.writable.map(realPath).flatMap((path) => ["--bind-try", path, path]),
    ...(options.hidden ?? []).map(realPath).flatMap((path) => ["--ro-bind", "/dev/null", path]),
    ...["--unshare-pid", "--die-with-parent", "--new-session"],
    ...["--chdir", options.cwd],
    "--",
    ...command,
  ];
}

/**
 * Shows the entries of `/tmp` that a program needs, whole: where a program is installed, a symbolic
 * link leads from the folder on `PATH` to its package next to it.
 */
function seenInTmp(
  paths: readonly string[],
  { PATH = "", HOME = "" }: Readonly<Record<string, string>>,
): string[] {
  const named = [...paths, ...PATH.split(":"), HOME].filter(isAbsolute);
  const entries = named.flatMap((path) => [resolve(path), realPath(path)])
    .flatMap((path) => /^\/tmp\/[^/]+/.exec(path) ?? []);
  return [...new Set(entries)].flatMap((entry) => ["--ro-bind-try", entry, entry]);
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
  return bwrapCommand(sandbox.program, command, {
    ...sandbox,
    writable: [folder, ...sandbox.writable],
    cwd: folder,
  });
}

/** Bubblewrap cannot bind over a symbolic link. */
function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return resolve(path);
  }
}

/** @returns What was said against it, or nothing. */
async function tryProgram(
  program: string,
  path: string | undefined,
): Promise<string | undefined> {
  // What this program has, such as the key of a model, is not for others to see in `/proc`.
  const env = { PATH: [...path === undefined ? [] : [path], "/usr/bin:/bin"].join(":") };
  const [name = program, ...args] = bwrapCommand(program, ["true"], {
    ...{ writable: [], env, cwd: "/" },
  });
  const ended = await new Deno.Command(name, {
    ...{ args, env, clearEnv: true },
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

import { accessSync, constants, statSync } from "node:fs";
import { resolve } from "node:path";

/** Where a program is, or why it cannot be run. */
export type FoundProgram =
  | { readonly kind: "ok"; readonly path: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** Where to look. */
export interface FindProgramOptions {
  /** The value of `PATH`. */
  readonly path: string | undefined;
  /** The folder that the program will be run in. */
  readonly cwd: string;
}

const DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin";

/**
 * Finds a program as `execvp` does: a name with a slash is a path, seen from `cwd`; one without is
 * looked up in `PATH`.
 *
 * @returns An absolute path, or what is wrong.
 */
export function findProgram(name: string, options: FindProgramOptions): FoundProgram {
  const { path = DEFAULT_PATH, cwd } = options;
  const shown = JSON.stringify(name);
  if (name === "" || name.includes("\0")) {
    return { kind: "invalid", reason: `${shown} is no name of a program` };
  }
  if (name.includes("/")) {
    const whole = resolve(cwd, name);
    const wrong = wrongProgram(whole);
    if (wrong === undefined) return { kind: "ok", path: whole };
    return { kind: "invalid", reason: `${shown} ${wrong}` };
  }
  const candidates = path.split(":").map((folder) => resolve(cwd, folder, name));
  const found = candidates.find((candidate) => wrongProgram(candidate) === undefined);
  if (found !== undefined) return { kind: "ok", path: found };
  const near = candidates.find((candidate) => wrongProgram(candidate) !== ABSENT);
  if (near === undefined) return { kind: "invalid", reason: `${shown} is not on PATH` };
  return { kind: "invalid", reason: `${shown} ${wrongProgram(near)}: ${near}` };
}

const ABSENT = "does not exist";

function wrongProgram(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return "is no file";
  } catch {
    return ABSENT;
  }
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return "is not executable";
  }
  return undefined;
}

/**
 * The file that says what runs: written by the supervisor whenever that changes, read by every
 * command. What it says of processes is true only of those that {@linkcode isAlive} confirms.
 *
 * @module
 */
import { isObject } from "@ourocodus/protocol";
import type { Home } from "./home.ts";
import { removeHomeFile, writeHomeFile } from "./home_file.ts";
import { identifyHome } from "./home_identity.ts";
import type { ProcessIdentity } from "./process_identity.ts";
import type { ProcessView } from "./process_spec.ts";
import { SystemError } from "./system_error.ts";

/** What the file holds. */
export interface SystemState {
  readonly format: typeof FORMAT;
  readonly supervisor: SupervisorRecord;
  readonly processes: readonly ProcessView[];
}

/** The supervisor that wrote it, and how to talk to it. */
export interface SupervisorRecord {
  readonly identity: ProcessIdentity;
  readonly version: string;
  /** When it started, ISO 8601. */
  readonly startedAt: string;
  /** The home that it has, see home_identity.ts; earlier versions did not write it. */
  readonly home?: string | undefined;
  /** The port of 127.0.0.1 on which it takes requests that carry the token. */
  readonly controlPort: number;
  readonly token: string;
}

/** Raised when the file's form changes. */
export const FORMAT = 1;

/**
 * Reads it. In a copy of a home, nothing that it says runs is taken to run: it is the other home's.
 *
 * @returns Undefined if there is none, or it cannot be used.
 * @throws {SystemError} If it is another user's.
 */
export async function readState(home: Home): Promise<SystemState | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(home.state);
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (none) return undefined;
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    throw new SystemError(
      `Cannot see what runs in ${home.folder}: it is another user's. OUROCODUS_HOME names one of ` +
        "your own",
      { cause: error },
    );
  }
  try {
    const state: unknown = JSON.parse(text);
    if (!isState(state)) return undefined;
    const { home: written } = state.supervisor;
    return written === undefined || written === identifyHome(home) ? state : ofAnotherHome(state);
  } catch {
    return undefined; // Somebody else wrote it: we rename complete files into place.
  }
}

/** Writes it. */
export function writeState(home: Home, state: SystemState): void {
  writeHomeFile(home.state, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
}

/** Which file is there, and as of when: another one was written by somebody else. */
export function stateStamp(home: Home): string | undefined {
  try {
    const { ino, size, mtime } = Deno.statSync(home.state);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return undefined;
  }
}

/** Removes it, if it is there. */
export function removeState(home: Home): void {
  removeHomeFile(home.state);
}

function ofAnotherHome({ supervisor, processes, ...rest }: SystemState): SystemState {
  return {
    ...rest,
    supervisor: { ...supervisor, identity: { pid: 0, started: "in another home" } },
    processes: processes.map(({ identity: _, ...view }) => view),
  };
}

function isState(state: unknown): state is SystemState {
  if (!isObject(state) || state.format !== FORMAT) return false;
  const { supervisor, processes } = state;
  return isObject(supervisor) && isObject(supervisor.identity) &&
    typeof supervisor.controlPort === "number" && Array.isArray(processes) &&
    processes.every((process) =>
      isObject(process) && isObject(process.spec) && typeof process.spec.name === "string"
    );
}

/**
 * The file that says what runs: written by the supervisor whenever that changes, read by every
 * command. What it says of processes is true only of those that {@linkcode isAlive} confirms.
 *
 * @module
 */
import { isObject } from "@ourocodus/bus";
import type { Home } from "./home.ts";
import type { ProcessIdentity } from "./process_identity.ts";
import type { ProcessView } from "./process_spec.ts";

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
  /** The port of 127.0.0.1 on which it takes requests that carry the token. */
  readonly controlPort: number;
  readonly token: string;
}

/** Raised when the file's form changes. */
export const FORMAT = 1;

/**
 * Reads it.
 *
 * @returns Undefined if there is none, or it cannot be used.
 */
export async function readState(home: Home): Promise<SystemState | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(home.state);
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory;
    if (none) return undefined;
    throw error;
  }
  try {
    const state: unknown = JSON.parse(text);
    return isState(state) ? state : undefined;
  } catch {
    return undefined; // Somebody else wrote it: we rename complete files into place.
  }
}

/** Writes it, so that a reader finds the old one or the new one, never a part. */
export function writeState(home: Home, state: SystemState): void {
  const draft = `${home.state}.${Deno.pid}`;
  Deno.writeTextFileSync(draft, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  Deno.renameSync(draft, home.state);
}

/** Removes it, if it is there. */
export function removeState(home: Home): void {
  try {
    Deno.removeSync(home.state);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
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

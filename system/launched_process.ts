/**
 * One run of a program. Its output goes straight to its log file, not through us: it lives on, and
 * goes on logging, if its supervisor is killed.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import { identify, isAlive, type ProcessIdentity, sendSignal } from "./process_identity.ts";
import type { Exit, ProcessSpec } from "./process_spec.ts";

/** A process that was started, by us or by a supervisor before us. */
export interface LaunchedProcess {
  readonly identity: ProcessIdentity;
  /** Settles when it has ended. */
  readonly ended: Promise<Exit>;
  /** Sends a signal, or to its group; nothing happens if it has ended. */
  signal(signal: Deno.Signal, options?: { readonly group?: boolean }): Promise<void>;
}

/** How often to look whether a process that is not our child still runs, in milliseconds. */
const LOOK_MS = 200;

/** Opens the log, then becomes the program; `$0` is the log. */
const SCRIPT = 'exec "$@" >>"$0" 2>&1';

/**
 * Starts a program in a session of its own, so that neither Ctrl-C nor a closed terminal ends it.
 *
 * @param env Its whole environment.
 */
export async function launch(
  spec: Pick<ProcessSpec, "command" | "args" | "cwd" | "log">,
  env: Readonly<Record<string, string>>,
): Promise<LaunchedProcess & { readonly child: Deno.ChildProcess }> {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", SCRIPT, spec.log, spec.command, ...spec.args],
    env: { ...env },
    clearEnv: true,
    cwd: spec.cwd,
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  // One that has ended already cannot be identified, and need not be.
  const identity = await identify(child.pid) ?? { pid: child.pid, started: "ended at once" };
  return {
    child,
    identity,
    ended: child.status.then(({ code, signal }) => ({ code: signal ? null : code, signal })),
    signal: async (...args) => void await sendSignal(identity, ...args),
  };
}

/** Takes a process over that an earlier supervisor has started. */
export function adopt(identity: ProcessIdentity): LaunchedProcess {
  return {
    identity,
    ended: untilGone(identity).then(() => ({ code: null, signal: null })),
    signal: async (...args) => void await sendSignal(identity, ...args),
  };
}

/** Waits until a process has ended. */
export async function untilGone(identity: ProcessIdentity): Promise<void> {
  while (await isAlive(identity)) await pause(LOOK_MS);
}

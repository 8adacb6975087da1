/**
 * What runs in a home, as it is, whatever the state file says.
 *
 * @module
 */
import { ControlClient, findSupervisor } from "./control_client.ts";
import type { Home } from "./home.ts";
import { isAlive } from "./process_identity.ts";
import type { ProcessView } from "./process_spec.ts";
import { readState } from "./state_file.ts";

/** What runs. */
export interface SystemLook {
  /** The supervisor, unless it does not run. */
  readonly supervisor: ControlClient | undefined;
  /**
   * What it keeps. Without a supervisor, what it has left behind: `running` is what still does,
   * everything else has `exited`.
   */
  readonly processes: readonly ProcessView[];
}

/** Looks. */
export async function lookAtSystem(home: Home): Promise<SystemLook> {
  const supervisor = await findSupervisor(home);
  const kept = await supervisor?.list();
  if (kept !== undefined) return { supervisor, processes: kept };
  const state = await readState(home);
  const processes = await Promise.all((state?.processes ?? []).map(asItIs));
  return { supervisor: undefined, processes };
}

async function asItIs(view: ProcessView): Promise<ProcessView> {
  const { identity, ...rest } = view;
  if (identity !== undefined && await isAlive(identity)) return { ...view, status: "running" };
  const exit = view.status === "exited" && view.exit ? view.exit : { code: null, signal: null };
  return { ...rest, status: "exited", exit };
}

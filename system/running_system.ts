/**
 * Where a system that was started with `start` is, for commands that are not told.
 *
 * @module
 */
import type { Environment } from "@ourocodus/protocol";
import { readDockerRecord } from "./docker_record.ts";
import { findHome } from "./home.ts";
import { isAlive } from "./process_identity.ts";
import type { ProcessView } from "./process_spec.ts";
import { readState } from "./state_file.ts";
import { SystemError } from "./system_error.ts";
import { SYSTEM_PARTS } from "./system_parts.ts";

/** Where it is. */
export interface RunningSystem {
  readonly natsUrl: string;
  readonly relayUrl: string;
}

/**
 * Finds it.
 *
 * @returns Undefined unless a system runs in this home, or is about to run again; one in Docker is
 * taken to run from `start` until `stop`.
 */
export async function runningSystem(env: Environment): Promise<RunningSystem | undefined> {
  const home = findHome(env);
  const docker = await readDockerRecord(home);
  if (docker !== undefined) {
    const { natsPort, relayPort } = docker;
    return { natsUrl: `nats://127.0.0.1:${natsPort}`, relayUrl: `ws://127.0.0.1:${relayPort}` };
  }
  const state = await readState(home).catch((error) => {
    // Another user's system is not ours to find.
    if (error instanceof SystemError) return undefined;
    throw error;
  });
  if (state === undefined) return undefined;
  const kept = await isAlive(state.supervisor.identity);
  const url = async (name: string) => {
    const view = state.processes.find(({ spec }) => spec.name === name);
    if (view === undefined || !(kept || await runs(view))) return undefined;
    return SYSTEM_PARTS.find((part) => part.name === name)?.url(view.spec);
  };
  const [natsUrl, relayUrl] = [await url("nats-server"), await url("relay")];
  return natsUrl && relayUrl ? { natsUrl, relayUrl } : undefined;
}

async function runs({ identity }: ProcessView): Promise<boolean> {
  return identity !== undefined && await isAlive(identity);
}

/**
 * Stopping an agent that was started here, without waiting for its end.
 *
 * @module
 */
import type { Environment } from "@ourocodus/protocol";
import type { ManagedAgent } from "./agent_rows.ts";
import { findSupervisor } from "./control_client.ts";
import { removeAgent } from "./docker_agents.ts";
import { connectDocker } from "./docker_engine.ts";
import type { Home } from "./home.ts";
import { forgetAgents } from "./remembered_agents.ts";

/** How an agent is stopped. */
export interface BeginStopOptions {
  /** Where Docker is. */
  readonly env: Environment;
  /** Without letting it finish what it has in hand. */
  readonly now?: boolean;
  /** Told if its container cannot be stopped. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Begins to stop an agent, and forgets it when it has ended: it is not started again, not by `start` either.
 *
 * @returns False if nobody keeps it any more, as its supervisor was killed.
 * @throws {SystemError} If its supervisor refuses or does not answer, or there is no Docker engine.
 */
export async function beginStop(
  home: Home,
  { name, runtime, container }: ManagedAgent,
  { env, now = false, onFailure }: BeginStopOptions,
): Promise<boolean> {
  if (runtime === "docker") {
    const engine = await connectDocker(env);
    // A supervisor does that by itself. Whoever may not write to the home stops it all the same.
    await forgetAgents(home, [{ name, runtime }]).catch(onFailure);
    removeAgent(engine, container ?? "", { now }).catch(onFailure);
    return true;
  }
  const supervisor = await findSupervisor(home);
  if (supervisor === undefined) return false;
  await supervisor.ask({ type: "stop", names: [name ?? ""], options: { now } });
  return true;
}

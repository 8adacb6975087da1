import { type ManagedAgent, managedProcess } from "./agent_rows.ts";
import type { Home } from "./home.ts";
import { lookAtSystem } from "./system_look.ts";

/** The agents that were started from this home, whatever they run in. */
export async function managedAgents(home: Home): Promise<ManagedAgent[]> {
  const { processes } = await lookAtSystem(home);
  return processes.flatMap((view) => managedProcess(view) ?? []);
}

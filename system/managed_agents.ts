import type { Environment } from "@ourocodus/protocol";
import { type ManagedAgent, managedProcess } from "./agent_rows.ts";
import { dockerAgents } from "./docker_agents.ts";
import { connectDocker } from "./docker_engine.ts";
import { readDockerRecord } from "./docker_record.ts";
import type { Home } from "./home.ts";
import { lookAtSystem } from "./system_look.ts";

/** The agents that were started from this home, whatever they run in. */
export async function managedAgents(home: Home, env: Environment): Promise<ManagedAgent[]> {
  const { processes } = await lookAtSystem(home);
  const here = processes.flatMap((view) => managedProcess(view) ?? []);
  const record = await readDockerRecord(home);
  if (record === undefined) return here;
  return [...here, ...await dockerAgents(await connectDocker(env), record)];
}

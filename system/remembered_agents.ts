/**
 * The agents that `agent start` started, and that the next `start` starts again. The file may hold
 * secrets, as variables that were given with a value; their owner alone can read it. Of variables
 * that were taken from a shell it has the names only.
 *
 * @module
 */
import { isObject } from "@ourocodus/protocol";
import type { ManagedAgent } from "./agent_rows.ts";
import type { AgentName, AgentsWanted } from "./agents_wanted.ts";
import { type Home, makeHome } from "./home.ts";
import { readHomeFile, writeHomeFile } from "./home_file.ts";
import type { AgentPlace } from "./runtime.ts";
import { SystemError } from "./system_error.ts";

/** An agent, and all that it takes to start it again. */
export interface RememberedAgent extends AgentName {
  readonly wanted: Omit<AgentsWanted, "token">;
  /** Where it ran. */
  readonly runtime: AgentPlace;
  /** Variables that it had from the shell that started it, and cannot do without. */
  readonly variables: readonly string[];
}

interface AgentsFile {
  readonly format: typeof FORMAT;
  readonly agents: readonly RememberedAgent[];
}

/** Raised when the file's form changes. */
const FORMAT = 1;

/**
 * Reads them, in the order in which they were started.
 *
 * @throws {SystemError} If the file is there and cannot be used.
 */
export async function rememberedAgents(home: Home): Promise<readonly RememberedAgent[]> {
  const text = await readHomeFile(home.agents);
  if (text === undefined) return [];
  const file = parsed(text);
  if (file !== undefined) return file.agents;
  throw new SystemError(
    `Cannot read which agents are remembered: ${home.agents} was changed, or written by another ` +
      `version. Remove it, and start the agents again`,
  );
}

/** Remembers agents; those of the same names are replaced. */
export async function rememberAgents(
  home: Home,
  agents: readonly RememberedAgent[],
): Promise<void> {
  const isReplaced = isAmong(agents.map(managedRemembered));
  await change(home, (before) => [...before.filter((agent) => !isReplaced(agent)), ...agents]);
}

/** Forgets agents. @returns Those that were remembered. */
export async function forgetAgents(
  home: Home,
  agents: readonly Pick<ManagedAgent, "name" | "runtime">[],
): Promise<readonly RememberedAgent[]> {
  const isMeant = isAmong(agents);
  const remembered = await rememberedAgents(home);
  const forgotten = remembered.filter(isMeant);
  if (forgotten.length > 0) {
    await change(home, (before) => before.filter((agent) => !isMeant(agent)));
  }
  return forgotten;
}

/** One that is remembered and does not run, as others are shown that were started here. */
export function managedRemembered({ name, id, wanted, runtime }: RememberedAgent): ManagedAgent {
  const { session, role, concurrency } = wanted;
  return {
    ...{ name, id, session, role, runtime: runtime.kind, concurrency },
    exit: null,
    pid: null,
    container: null,
    restarts: 0,
    since: null,
    runs: false,
    isKept: false,
    settled: true,
  };
}

/** A test for agents that have the name and the runtime of one of these: both say which is meant. */
export function isAmong(
  agents: readonly Pick<ManagedAgent, "name" | "runtime">[],
): (agent: RememberedAgent) => boolean {
  const keys = new Set(agents.map(({ name, runtime }) => `${runtime} ${name}`));
  return ({ name, runtime }) => keys.has(`${runtime.kind} ${name}`);
}

/** One change at a time, so that two commands at once lose none. */
async function change(
  home: Home,
  to: (before: readonly RememberedAgent[]) => readonly RememberedAgent[],
): Promise<void> {
  await makeHome(home);
  using lock = await Deno.open(`${home.agents}.lock`, { create: true, write: true, mode: 0o600 });
  await lock.lock(true);
  const file: AgentsFile = { format: FORMAT, agents: to(await rememberedAgents(home)) };
  writeHomeFile(home.agents, `${JSON.stringify(file, undefined, 2)}\n`, { mode: 0o600 });
}

function parsed(text: string): AgentsFile | undefined {
  try {
    const file: unknown = JSON.parse(text);
    return isFile(file) ? file : undefined;
  } catch {
    return undefined;
  }
}

function isFile(file: unknown): file is AgentsFile {
  return isObject(file) && file.format === FORMAT && Array.isArray(file.agents) &&
    file.agents.every((agent) =>
      isObject(agent) && typeof agent.name === "string" && typeof agent.id === "string" &&
      isObject(agent.wanted) && Array.isArray(agent.wanted.args) && isObject(agent.runtime) &&
      Array.isArray(agent.variables)
    );
}

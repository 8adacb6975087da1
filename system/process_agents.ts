/**
 * Agents that run as background processes of this machine.
 *
 * @module
 */
import { type AgentName, agentNames, type AgentsWanted, agentVariables } from "./agents_wanted.ts";
import { failure, takeDown } from "./bring_up.ts";
import { type ControlClient, ensureSupervisor, SHOWN_LINES } from "./control_client.ts";
import { type Home, logPath } from "./home.ts";
import { lastLines, sizeOf } from "./log_file.ts";
import type { ProcessSpec } from "./process_spec.ts";
import { program } from "./programs.ts";
import type { StartedAgents } from "./started_agents.ts";
import { SystemError } from "./system_error.ts";
import { partEnvironment, SYSTEM_PARTS } from "./system_parts.ts";

/** How long storing answers and closing may take after the time to finish, in milliseconds. */
const CLOSING_MS = 10_000;
/** How often another `agent start` may take the same names before ours. */
const NAME_TRIES = 5;

interface StartedProcess extends AgentName {
  /** Its log, and where in it this run begins. */
  readonly log: string;
  readonly logFrom: number;
}

/** Starts agents. */
export async function startProcesses(
  home: Home,
  wanted: AgentsWanted,
  { relayUrl, atOwnRelay, environment }: {
    readonly relayUrl: string;
    /** Whether that is this home's, so that agents follow it to another port. */
    readonly atOwnRelay: boolean;
    readonly environment: Readonly<Record<string, string>>;
  },
): Promise<StartedAgents> {
  const client = await ensureSupervisor(home, partEnvironment(environment));
  for (let tries = 1;; tries++) {
    const kept = await client.list();
    const names = agentNames(wanted, new Set(kept?.map(({ spec }) => spec.name)));
    const cwd = Deno.cwd();
    const specs = names.map((agent) =>
      agentSpec(home, wanted, agent, { relayUrl, atOwnRelay, cwd })
    );
    const agents = await Promise.all(
      specs.map(async ({ log }, index) => {
        const { name, id } = names[index] ?? { name: "", id: "" };
        return { name, id, log, logFrom: await sizeOf(log) };
      }),
    );
    try {
      await client.ask({ type: "start", specs, environment });
      return startedAgents(client, agents, relayUrl);
    } catch (error) {
      const named = wanted.name !== undefined && wanted.count === 1;
      if (named || tries >= NAME_TRIES) throw error;
    }
  }
}

function startedAgents(
  client: ControlClient,
  agents: readonly StartedProcess[],
  relayUrl: string,
): StartedAgents {
  const names = agents.map(({ name }) => name);
  return {
    agents,
    relayUrl,
    async check() {
      const kept = await client.list() ?? [];
      for (const { name, logFrom } of agents) {
        const view = kept.find(({ spec }) => spec.name === name);
        if (view === undefined) throw new SystemError(`${name} was stopped meanwhile`);
        if (view.status === "exited") throw await failure(view, logFrom);
      }
    },
    ready: async () => void await client.ask({ type: "ready", names }),
    undo: () => takeDown(client, names),
    async logEnd() {
      const [first] = agents;
      return first ? await lastLines(first.log, SHOWN_LINES, { from: first.logFrom }) : [];
    },
  };
}

/** With what an agent's process is started. @param options `cwd`: the folder that it runs in. */
export function agentSpec(
  home: Home,
  wanted: AgentsWanted,
  { name, id }: AgentName,
  { relayUrl, atOwnRelay, cwd }: {
    readonly relayUrl: string;
    readonly atOwnRelay: boolean;
    readonly cwd: string;
  },
): ProcessSpec {
  const { command, args } = program("agent");
  const { session, role, concurrency } = wanted;
  return {
    name,
    kind: "agent",
    rank: SYSTEM_PARTS.length,
    command,
    args: [...args, ...wanted.args],
    env: { ...agentVariables(wanted, id), RELAY_URL: relayUrl },
    cwd,
    log: logPath(home, name, "agent"),
    stopMs: wanted.drainMs + CLOSING_MS,
    agent: { id, session, role, concurrency, ...(atOwnRelay && { atOwnRelay }) },
  };
}

/** What an agent is from now on that is started anew, where this home's relay listens elsewhere. */
export function atRelay(spec: ProcessSpec, relayUrl: string): ProcessSpec {
  return spec.agent?.atOwnRelay ? { ...spec, env: { ...spec.env, RELAY_URL: relayUrl } } : spec;
}

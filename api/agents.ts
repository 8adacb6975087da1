/**
 * The agents there are.
 *
 * @module
 */
import type { DirectoryAgent } from "@ourocodus/bus";
import type { z } from "@hono/zod-openapi";
import { ProblemError } from "./problem.ts";
import type { AgentListSchema, AgentSchema } from "./schemas/agent.ts";
import type { SystemLook } from "./system_look.ts";

/** An agent, as the API shows it. */
export type Agent = z.infer<typeof AgentSchema>;

/** Names an agent; its id is unique within session and role only. */
export interface AgentName {
  readonly id: string;
  readonly session?: string;
  readonly role?: string;
}

/** Lists agents. */
export class Agents {
  readonly #look: SystemLook;

  constructor(look: SystemLook) {
    this.#look = look;
  }

  /** All agents, sorted by session, role and name. */
  async list(): Promise<z.infer<typeof AgentListSchema>> {
    const directory = await this.#look.directory();
    return { agents: directory.agents.map(connected), relays: [...directory.relays] };
  }
}

/**
 * The one that is meant.
 *
 * @throws {ProblemError} If there is none, or there are several.
 */
export function theAgent(agents: readonly Agent[], { id, session, role }: AgentName): Agent {
  const found = agents.filter((agent) =>
    (agent.id === id || agent.name === id) &&
    (session === undefined || agent.session_id === session) &&
    (role === undefined || agent.role === role)
  );
  const [agent, ...others] = found;
  if (agent === undefined) throw new ProblemError("not_found", `there is no agent ${id}`);
  if (others.length === 0) return agent;
  const candidates = found.map(({ id, session_id, role }) => ({ id, session_id, role }));
  const detail = `${found.length} agents are called ${id}; say which by session and role`;
  throw new ProblemError("ambiguous", detail, { extras: { candidates } });
}

function connected(agent: DirectoryAgent): Agent {
  const { agent_id: id, session_id, role, relay_id, protocol, concurrency, in_hand, work } = agent;
  return {
    ...{ id, session_id, role, relay_id, protocol, concurrency, in_hand },
    name: null,
    runtime: "external",
    status: "connected",
    work: [...work ?? []],
    since: agent.connected_at,
    pid: null,
    container: null,
    restarts: 0,
    exit: null,
  };
}

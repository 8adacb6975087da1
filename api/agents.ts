/**
 * The agents there are: those that relays know, and those that were started on this machine.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { z } from "@hono/zod-openapi";
import type { Connection } from "@ourocodus/bus";
import { type RelayDirectory, stopConnectedAgent } from "@ourocodus/ops";
import { type Environment, messageOf } from "@ourocodus/protocol";
import {
  agentRow,
  type Home,
  type KnownAgent,
  knownAgents,
  type ManagedAgent,
  Runtimes,
  SystemError,
} from "@ourocodus/system";
import { ProblemError } from "./problem.ts";
import type { AgentListSchema, AgentSchema, StoppedAgentSchema } from "./schemas/agent.ts";
import { SharedAnswer } from "./shared_answer.ts";
import type { SystemLook } from "./system_look.ts";

/** An agent, as the API shows it. */
export type Agent = z.infer<typeof AgentSchema>;

/** Names an agent; its id is unique within session and role only. */
export interface AgentName {
  readonly id: string;
  readonly session?: string;
  readonly role?: string;
}

/** What {@linkcode Agents} works with. */
export interface AgentsOptions {
  readonly connection: Connection;
  readonly look: SystemLook;
  /** Where agents are kept that were started on this machine. */
  readonly home: Home;
  /** Where Docker is. */
  readonly env: Environment;
}

interface Here {
  readonly agents: readonly ManagedAgent[];
  /** Why some may be missing. */
  readonly warnings: readonly string[];
}

const log = getLogger(["ourocodus", "api"]);
/** How long a look at this machine's agents is shared, in milliseconds. */
const SHARE_MS = 500;
/** So long the supervisor and Docker may take, in milliseconds. */
const TIMEOUT_MS = 3_000;

/** Lists and stops agents. */
export class Agents {
  readonly #options: AgentsOptions;
  readonly #here: SharedAnswer<Here>;

  constructor(options: AgentsOptions) {
    this.#options = options;
    this.#here = new SharedAnswer(() => lookHere(options), {
      shareMs: SHARE_MS,
      timeoutMs: TIMEOUT_MS,
      late: () => new SystemError(`nothing is known of them within ${TIMEOUT_MS} ms`),
    });
  }

  /** All agents, sorted by session, role and name. */
  async list(): Promise<z.infer<typeof AgentListSchema>> {
    const { known, relays, warnings } = await this.#known();
    return { agents: known.map(shown), relays: [...relays], warnings: [...warnings] };
  }

  /**
   * The one that is meant.
   *
   * @throws {ProblemError} If there is none, or there are several.
   */
  async find(name: AgentName): Promise<Agent> {
    return shown(theAgent((await this.#known()).known, name));
  }

  /**
   * Stops one: by who keeps it, or, if it was started elsewhere, by its relay.
   *
   * @throws {ProblemError} If there is none, there are several, or it cannot be stopped from here.
   */
  async stop(
    name: AgentName,
    { now }: { readonly now?: boolean },
  ): Promise<z.infer<typeof StoppedAgentSchema>> {
    const found = theAgent((await this.#known()).known, name);
    const agent = shown(found);
    if (found.managed !== undefined && await this.#stopHere(found.managed, now)) {
      return stopped(agent, found.managed.runs ? "stopping" : "stopped");
    }
    if (agent.relay_id === null) {
      const why = `agent ${agent.id} has lost its supervisor and is not connected: ` +
        `"ourocodus agent stop ${agent.name}" stops it`;
      throw new ProblemError("unavailable", why);
    }
    const { connection } = this.#options;
    const { session_id, role, id: agent_id } = agent;
    const stopping = await stopConnectedAgent(connection, { session_id, role, agent_id, now });
    if (stopping === undefined) {
      throw new ProblemError("not_found", `agent ${agent_id} is not connected any more`);
    }
    const { in_hand } = stopping;
    return stopped({ ...agent, in_hand }, in_hand > 0 ? "stopping" : "stopped");
  }

  async #stopHere(managed: ManagedAgent, now: boolean | undefined): Promise<boolean> {
    const { home, env } = this.#options;
    const onFailure = (error: unknown) =>
      log.error("agent {agent} was not stopped: {error}", {
        agent: managed.name,
        error: messageOf(error),
      });
    try {
      const runtimes = await Runtimes.of({ home, env });
      return await runtimes.beginStop(managed, { now, onFailure });
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      throw new ProblemError("unavailable", error.message);
    }
  }

  async #known(): Promise<Pick<RelayDirectory, "relays"> & Here & { known: KnownAgent[] }> {
    const [directory, { agents, warnings }] = await Promise.all([
      this.#options.look.directory(),
      this.#here.get().catch(withoutThem),
    ]);
    const { relays } = directory;
    return { relays, agents, warnings, known: knownAgents(agents, directory) };
  }
}

async function lookHere({ home, env }: AgentsOptions): Promise<Here> {
  return { agents: await (await Runtimes.of({ home, env })).list(), warnings: [] };
}

/** What relays know is worth telling without them. */
function withoutThem(error: unknown): Here {
  const expected = error instanceof SystemError || error instanceof Deno.errors.PermissionDenied ||
    error instanceof Deno.errors.NotCapable;
  if (!expected) throw error;
  const warning = `agents that were started on this machine may be missing: ${error.message}`;
  return { agents: [], warnings: [warning] };
}

function theAgent(agents: readonly KnownAgent[], { id, session, role }: AgentName): KnownAgent {
  const found = agents.filter((known) => {
    const row = agentRow(known);
    return (row.id === id || row.name === id) &&
      (session === undefined || row.session === session) &&
      (role === undefined || row.role === role);
  });
  const [agent, ...others] = found;
  if (agent === undefined) throw new ProblemError("not_found", `there is no agent ${id}`);
  if (others.length === 0) return agent;
  const candidates = found.map(agentRow).map(({ id, session, role }) => ({
    id,
    session_id: session,
    role,
  }));
  const detail = `${found.length} agents are called ${id}; say which by session and role`;
  throw new ProblemError("ambiguous", detail, { extras: { candidates } });
}

function shown(known: KnownAgent): Agent {
  const { session: session_id, ...row } = agentRow(known);
  // A relay may know one for a moment longer than it lives.
  const connected = row.status === "connected" ? known.connected : undefined;
  return {
    ...row,
    session_id,
    relay_id: connected?.relay_id ?? null,
    protocol: connected?.protocol ?? null,
    work: [...connected?.work ?? []],
  };
}

function stopped(
  { id, session_id, role, in_hand }: Agent,
  state: "stopping" | "stopped",
): z.infer<typeof StoppedAgentSchema> {
  return { id, session_id, role, state, in_hand };
}

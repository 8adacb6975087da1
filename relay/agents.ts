/**
 * The agents that are connected to a relay.
 *
 * Invariants:
 * 1. Of a session's and role's agents one answers to a name: the one that came last.
 * 2. Each gets heartbeats exactly as long as it is among them.
 *
 * @module
 */
import type { AgentRecord, AgentsQuery, AgentWork, PausedAgent } from "@ourocodus/protocol";
import { type AgentConnection, agentKey, type AgentName } from "./agent_connection.ts";
import type { AgentPause } from "./agent_health.ts";
import { Heartbeats } from "./heartbeats.ts";
import type { Attempt } from "./attempt.ts";

/** A relay's agents. */
export class Agents implements Iterable<AgentConnection> {
  readonly #all = new Set<AgentConnection>();
  readonly #byKey = new Map<string, AgentConnection>();
  readonly #heartbeats: Heartbeats;

  /** @param heartbeatMs How often each gets a heartbeat, in milliseconds. */
  constructor(heartbeatMs: number) {
    this.#heartbeats = new Heartbeats(heartbeatMs);
  }

  /** How many are connected. */
  get size(): number {
    return this.#all.size;
  }

  /** How many take no work for now. */
  get paused(): number {
    let count = 0;
    for (const { health } of this.#all) if (health.pause !== undefined) count++;
    return count;
  }

  /** Each, in the order in which they came. */
  [Symbol.iterator](): Iterator<AgentConnection> {
    return this.#all.values();
  }

  /** Adds one. @returns The same agent's older connection, which answers to its name no more. */
  add(agent: AgentConnection): AgentConnection | undefined {
    const key = agentKey(agent);
    const older = this.#byKey.get(key);
    this.#byKey.set(key, agent);
    this.#all.add(agent);
    this.#heartbeats.add(agent);
    return older;
  }

  /** Removes one. @returns Whether it was there. */
  delete(agent: AgentConnection): boolean {
    if (!this.#all.delete(agent)) return false;
    this.#heartbeats.delete(agent);
    const key = agentKey(agent);
    if (this.#byKey.get(key) === agent) this.#byKey.delete(key);
    return true;
  }

  /** The one that answers to a name. */
  find(name: AgentName): AgentConnection | undefined {
    return this.#byKey.get(agentKey(name));
  }

  /** What is told about them, of those of one session or role if asked, with their work if asked. */
  records({ session, role, work }: AgentsQuery): AgentRecord[] {
    const records: AgentRecord[] = [];
    for (const agent of this.#all) {
      if (session !== undefined && agent.session !== session) continue;
      if (role !== undefined && agent.role !== role) continue;
      const { health: { pause } } = agent;
      const attempts = agent.attempts().filter(({ state }) => state !== "resuming");
      records.push({
        ...agentItem(agent),
        in_hand: attempts.length,
        connected_at: new Date(agent.connectedAt).toISOString(),
        ...(agent.draining && { draining: true }),
        ...(pause !== undefined && { paused: pausedItem(pause) }),
        ...(work && { work: attempts.map(workRecord) }),
      });
    }
    return records;
  }

  /** Ends the heartbeats. */
  close(): void {
    this.#heartbeats.close();
  }
}

/** What events and logs say of an agent. */
export function agentItem(
  agent: AgentConnection,
): Pick<AgentRecord, "session_id" | "agent_id" | "role" | "protocol" | "concurrency"> {
  return {
    session_id: agent.session,
    agent_id: agent.agentId,
    role: agent.role,
    protocol: agent.protocol,
    concurrency: agent.concurrency,
  };
}

/** What is told of a pause. */
export function pausedItem({ reason, message, until }: AgentPause): PausedAgent {
  return { reason, message, until: new Date(until).toISOString() };
}

function workRecord({ id, lease, number, deliveredAt, time }: Attempt): AgentWork {
  const since = new Date(deliveredAt).toISOString();
  const silentMs = performance.now() - (time?.heardAt ?? 0);
  return {
    ...{ sequence: lease.sequence, id, attempt: number, since },
    ...(time?.isSilent && { silent_since: new Date(Date.now() - silentMs).toISOString() }),
  };
}

/**
 * A work item that this relay answers for.
 *
 * @module
 */
import type { CancelReason, Lease } from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";

/**
 * - `waiting`: pulled, but the agent that had a slot cannot take it just now.
 * - `in_hand`: an agent has it.
 * - `held`: the agent that has it has lost its socket, and may come back.
 * - `resuming`: an agent says that it has it; whether that is so, is being looked up.
 * - `settling`: its outcome is being stored.
 * - `answered`: another attempt's result came first; a plain agent, which cannot be told, still
 *   works on it.
 */
export type WorkState = "waiting" | "in_hand" | "held" | "resuming" | "settling" | "answered";

/** One delivery of a work item. */
export interface Work {
  /** The message's `id`: how plain agents name it. Empty while `resuming`. */
  id: string;
  readonly session: string;
  readonly role: string;
  /** The lease that was given to the agent. */
  offered: string;
  /** That lease's attempt, from 1; the queue may have counted more since, see `lease`. */
  attempt: number;
  /** The delivery that counts now; newer than `offered` if JetStream delivered it again. */
  lease: Lease;
  state: WorkState;
  /** The agent that has it, while `in_hand` or `answered`. */
  holder: AgentConnection | undefined;
  /** The id of the agent that has it, or had it last. */
  agentId: string | undefined;
  /** Whether that agent speaks `ourocodus.v1`. */
  v1: boolean;
  /** When a plain agent was sent it, by {@linkcode monotonicMs}. */
  sentAt: number;
  /** Whether it may have been lost on its way to the plain agent that is taken to have it. */
  mayBeLost: boolean;
  /** Whether its lease may have run out, so that another agent may have the work too. */
  lapsed: boolean;
  /** Why it was taken away from its agent, if it was. */
  takenAway?: CancelReason;
  /** When it was delivered, in milliseconds since 1970: for people, and beside the servers' clocks. */
  readonly deliveredAt: number;
  /** The same by {@linkcode monotonicMs}, which no change of the clock touches. */
  readonly since: number;
  /** When its lease was last kept alive, by {@linkcode monotonicMs}. */
  keptAt: number;
}

/** How events name a work item. */
export function workItem(work: Work, more: object = {}): Record<string, unknown> {
  return {
    seq: work.lease.sequence,
    id: work.id,
    role: work.role,
    attempt: work.attempt,
    agent_id: work.agentId,
    ...more,
  };
}

/** Milliseconds since some moment: what spans of time are measured by. */
export function monotonicMs(): number {
  return performance.now();
}

/**
 * A work item that was delivered just now, or that an agent says it has.
 *
 * @param lease How it was delivered.
 */
export function newWork(
  { id, session, role, state }: Pick<Work, "id" | "session" | "role" | "state">,
  lease: Lease,
): Work {
  const now = monotonicMs();
  return {
    ...{ id, session, role, state, lease },
    offered: lease.subject,
    attempt: lease.attempt,
    holder: undefined,
    agentId: undefined,
    v1: false,
    sentAt: 0,
    mayBeLost: false,
    lapsed: false,
    deliveredAt: Date.now(),
    since: now,
    keptAt: now,
  };
}

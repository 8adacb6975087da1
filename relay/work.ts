/**
 * A piece of work that this relay answers for.
 *
 * @module
 */
import type { Lease } from "@ourocodus/bus";
import type { AgentConnection } from "./agent_connection.ts";

/**
 * - `waiting`: pulled, but the agent that had a slot cannot take it just now.
 * - `in_hand`: an agent has it.
 * - `settling`: its outcome is being stored.
 * - `answered`: another attempt's result came first; a plain agent, which cannot be told, still
 *   works on it.
 */
export type WorkState = "waiting" | "in_hand" | "settling" | "answered";

/** One delivery of a piece of work. */
export interface Work {
  /** The message's `id`: how plain agents name it. */
  readonly id: string;
  readonly session: string;
  readonly role: string;
  /** The lease that was given to the agent. */
  readonly offered: string;
  /** The delivery that counts now; newer than `offered` if JetStream delivered it again. */
  lease: Lease;
  state: WorkState;
  /** The agent that has it, while `in_hand` or `answered`. */
  holder: AgentConnection | undefined;
  /**
   * Whether this is certainly the only attempt: the first one, and its lease has never been in
   * danger. If not, another result may be stored already.
   */
  sole: boolean;
  /** Whether its lease may have run out, so that another agent may have the work too. */
  lapsed: boolean;
  /** When it was delivered, in milliseconds. */
  readonly deliveredAt: number;
  /** When its lease was last kept alive, in milliseconds. */
  keptAt: number;
}

/** How events name a piece of work. */
export function workItem(work: Work, more: object = {}): Record<string, unknown> {
  return {
    seq: work.lease.sequence,
    id: work.id,
    role: work.role,
    attempt: work.lease.attempt,
    agent_id: work.holder?.agentId,
    ...more,
  };
}

/**
 * The events that relays write to `sessions.{session}.events`, by type.
 *
 * @module
 */
import { REPORT_TYPES } from "./frames.ts";

/**
 * Events about work items; payload: `{relay_id, work: WorkEvent[]}`, a list for all that
 * happened in one turn of the relay's event loop.
 *
 * - `work.offered`: handed to an agent for the first time.
 * - `work.redelivered`: handed to an agent as the second or a later attempt.
 * - `work.waiting`: earlier work of its conversation comes first; `waits_for` says which.
 * - `work.silent`: its agent has said nothing about it for half of the time that it may.
 * - `work.returned`: released into the queue, `reason` says why.
 * - `work.cancelled`: cancelled; recorded by the canceller.
 * - `work.dead`: dead, `reason` says why.
 * - `question.asked`, `question.answered`, `question.expired`: of its agent, about it.
 * - `result.duplicate`: a second result, not accepted.
 * - `result.unmatched`: a result for no work that the agent has.
 */
export const WORK_EVENTS = [
  "work.offered",
  "work.redelivered",
  "work.waiting",
  "work.silent",
  "work.returned",
  "work.cancelled",
  "work.dead",
  "question.asked",
  "question.answered",
  "question.expired",
  "result.duplicate",
  "result.unmatched",
] as const;

/** One of {@linkcode WORK_EVENTS}. */
export type WorkEventType = typeof WORK_EVENTS[number];

/** Events that say that an agent was handed work. */
export const HAND_OUT_EVENTS: readonly string[] = ["work.offered", "work.redelivered"];

/**
 * Whether work is in an agent's hands, as far as events tell.
 *
 * @param types The types of all events about it, oldest first.
 */
export function isHandedOut(types: readonly string[]): boolean {
  // An agent that is silent about it still has it.
  const last = types.findLast((type) => type.startsWith("work.") && type !== "work.silent");
  return last !== undefined && HAND_OUT_EVENTS.includes(last);
}

/** The types of all events. */
export const EVENT_TYPES: readonly string[] = [
  ...["agent.connected", "agent.disconnected", "agent.suspended", "agent.resumed"],
  ...WORK_EVENTS,
  ...REPORT_TYPES,
];

/** Payload of `agent.connected` and `agent.disconnected`. */
export interface AgentEvent {
  readonly relay_id: string;
  readonly agent_id: string;
  readonly role: string;
  readonly protocol: string;
  readonly concurrency: number;
  /** Of `agent.disconnected`: the WebSocket's close code and reason. */
  readonly code?: number;
  readonly reason?: string;
}

/** Payload of `agent.suspended`, and without the reason of `agent.resumed`. */
export interface AgentSuspendedEvent extends Omit<AgentEvent, "code" | "reason"> {
  /** `failing` or `limited`. */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** When it takes work again, ISO 8601: of a failing one, a single work item. */
  readonly until: string;
}

/** One work item in an event's list. */
export interface WorkEvent {
  /** Its sequence in the work stream; missing where the work is not known. */
  readonly seq?: number;
  /** Its message's id. */
  readonly id: string;
  readonly role: string;
  readonly attempt?: number;
  readonly agent_id?: string;
  /** Machine-readable, in snake_case; of `work.cancelled` what was said by the canceller. */
  readonly reason?: string;
}

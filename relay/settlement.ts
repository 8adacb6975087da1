/**
 * What an attempt that ends without an outcome costs its work item: PROTOCOL.md has the table.
 *
 * @module
 */
import { type AttemptRecord, hasTried, onlyCharged } from "@ourocodus/protocol";
import type { Reason } from "./dead_letter.ts";

/** How an attempt ends that its agent gives back, or that has lost its agent. */
export interface Released {
  /** When its work may be handed out again, in milliseconds from now. */
  readonly delayMs: number;
  /** The same as a time, where that was said, in milliseconds since 1970. */
  readonly notBefore?: number;
  /** Whether it is charged to the work item. */
  readonly charged: boolean;
}

/** Whose attempt it was. */
export interface EndedAttempt {
  /** From 1. */
  readonly number: number;
  readonly agentId: string | undefined;
  /** In milliseconds since 1970. */
  readonly deliveredAt: number;
}

/** An attempt is over through nobody's fault. */
export const UNCHARGED: Released = { delayMs: 0, charged: false };

/** Reasons of a retry that are not charged unless the agent says so: it has not really worked. */
const NOT_WORKED = ["limited", "not_accepted", "snoozed"];

/**
 * Whether a retry is charged.
 *
 * @param reason The agent's word.
 * @param said What it says in `charge`, unchecked.
 */
export function retryIsCharged(reason: string, said: unknown): boolean {
  return typeof said === "boolean" ? said : !NOT_WORKED.includes(reason);
}

/**
 * Whether an agent is to get work before those that have tried it. If enough attempts were charged, all
 * to one agent, any other one is.
 */
export function isOther(
  { record, isSpent }: { readonly record: AttemptRecord; readonly isSpent: boolean },
  agentId: string,
): boolean {
  return isSpent ? agentId !== onlyCharged(record) : !hasTried(record, agentId);
}

/** The record with an attempt that ends now. */
export function withAttempt(
  { charges, begun }: AttemptRecord,
  { number: attempt, agentId: agent_id, deliveredAt }: EndedAttempt,
  { code: reason, message: error }: Reason,
  { delayMs, notBefore = Date.now() + delayMs, charged }: Released,
): AttemptRecord {
  const made = { attempt, ...(agent_id !== undefined && { agent_id }), reason };
  return {
    ...made,
    ...(error !== "" && { error }),
    charges: charged ? [...charges, made] : charges,
    begun: begun ?? new Date(deliveredAt).toISOString(),
    ...(delayMs > 0 && { not_before: new Date(notBefore).toISOString() }),
  };
}

/** How much of the time of work is left, in milliseconds; all of it if it has not begun. */
export function msLeft({ begun }: AttemptRecord, deadlineMs: number): number {
  return begun === undefined ? Infinity : Date.parse(begun) + deadlineMs - Date.now();
}

/** Why work dies of which enough attempts were charged. */
export function spentReason({ reason, error, charges }: AttemptRecord): Reason {
  const last = error === undefined ? reason : `${reason}, ${error}`;
  const message = `given up after ${charges.length} attempts; the last one: ${last}`;
  return { code: "max_deliver", message, charges };
}

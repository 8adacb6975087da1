/**
 * How long work may take, as its message says: `deadline_ms` and `no_progress_ms`, next to its payload
 * or in it.
 *
 * @module
 */
import { describe, type Message } from "./message.ts";

/** Limits of the time that work may take. */
export interface WorkLimits {
  /** From its first delivery to its outcome, in milliseconds. */
  readonly deadlineMs?: number;
  /** How long an agent that has it may say nothing about it, in milliseconds. */
  readonly noProgressMs?: number;
}

/** The longest of each: 30 days, in milliseconds. */
export const MAX_WORK_LIMIT_MS = 30 * 86_400_000;

interface Fields {
  readonly deadline_ms?: unknown;
  readonly no_progress_ms?: unknown;
}

/**
 * The limits that a message says.
 *
 * @returns `undefined` if it says none; a text says what is wrong with them. In the payload, which is
 * for agents, what is no limit is passed over.
 */
export function workLimits(message: Message & Fields): WorkLimits | string | undefined {
  const { deadline_ms, no_progress_ms } = message;
  const payload: Fields = message.payload;
  // Asked for each message, nearly all of which say nothing.
  if (
    deadline_ms === undefined && no_progress_ms === undefined &&
    payload.deadline_ms === undefined && payload.no_progress_ms === undefined
  ) return undefined;
  const wrong = invalid("deadline_ms", deadline_ms) ?? invalid("no_progress_ms", no_progress_ms);
  if (wrong !== undefined) return wrong;
  const deadlineMs = [deadline_ms, payload.deadline_ms].find(isLimit);
  const noProgressMs = [no_progress_ms, payload.no_progress_ms].find(isLimit);
  if (deadlineMs === undefined && noProgressMs === undefined) return undefined;
  return {
    ...(deadlineMs !== undefined && { deadlineMs }),
    ...(noProgressMs !== undefined && { noProgressMs }),
  };
}

function invalid(name: string, value: unknown): string | undefined {
  if (value === undefined || isLimit(value)) return undefined;
  const shown = typeof value === "number" ? value : describe(value);
  return `${name} is ${shown}, allowed is a whole number from 1 to ${MAX_WORK_LIMIT_MS}`;
}

function isLimit(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1 && Number(value) <= MAX_WORK_LIMIT_MS;
}

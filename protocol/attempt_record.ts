/**
 * What is kept of a work item's attempts that have ended without an outcome: which of them are charged
 * to it, and when it may be handed out again. Relays store it on the subject
 * `sessions.{session}.attempts.{role}.{sequence}-{time}`, where the last one counts; so it survives
 * every restart.
 *
 * @module
 */
import { isObject, parseObject } from "./message.ts";
import { invalidName } from "./subjects.ts";

/** An attempt that is charged to its work item: an agent really worked on it. */
export interface Charge {
  /** The attempt's number, from 1. */
  readonly attempt: number;
  /** The agent that made it; unknown of an attempt that no relay of this version has seen. */
  readonly agent_id?: string;
  /** Why it ended, machine-readable. */
  readonly reason: string;
}

/** What ended attempts have left behind. */
export interface AttemptRecord {
  /** The number of the attempt that ended last; 0 if none has. */
  readonly attempt: number;
  /** The agent that made it, unless it was not at fault, as when its relay ended. */
  readonly agent_id?: string;
  /** Why it ended, machine-readable; of no attempt empty. */
  readonly reason: string;
  /** The same for people. */
  readonly error?: string;
  /** The attempts that are charged, oldest first. */
  readonly charges: readonly Charge[];
  /** When the first attempt began, ISO 8601: from then on its deadline counts. */
  readonly begun?: string;
  /** When the work may be handed out again, ISO 8601; at once if it is missing. */
  readonly not_before?: string;
}

/** The record of a work item of which no attempt has ended. */
export const NO_ATTEMPTS: AttemptRecord = { attempt: 0, reason: "", charges: [] };

/** Of texts as much is taken, in characters. */
const MAX_REASON_CHARACTERS = 64;
const MAX_ERROR_CHARACTERS = 500;
const MAX_AHEAD_MS = 366 * 86_400_000;

/** The most charges that are taken from a stored record: `MAX_DELIVER` is at most this. */
export const MAX_CHARGES = 1_000;

/**
 * Whether every charge is one and the same agent's.
 *
 * @returns That agent; `undefined` if there is no charge, several agents have one, or one is nobody's.
 */
export function onlyCharged({ charges }: AttemptRecord): string | undefined {
  const [first] = charges;
  const agent = first?.agent_id;
  return charges.every(({ agent_id }) => agent_id === agent) ? agent : undefined;
}

/** Whether an agent is to get the work last: it has tried. */
export function hasTried(record: AttemptRecord, agentId: string): boolean {
  return record.agent_id === agentId ||
    record.charges.some(({ agent_id }) => agent_id === agentId);
}

/** When the work may be handed out, in milliseconds since 1970; 0 is at once. */
export function notBefore({ not_before: time }: AttemptRecord): number {
  return time === undefined ? 0 : Date.parse(time);
}

/**
 * Reads what a relay has stored, or has told another one.
 *
 * @returns `undefined` for what is no record: anybody may publish there.
 */
export function attemptRecord(value: unknown): AttemptRecord | undefined {
  if (!isObject(value)) return undefined;
  const { attempt, agent_id, reason, error, charges, begun, not_before } = value;
  if (!isCount(attempt) || typeof reason !== "string" || !Array.isArray(charges)) return undefined;
  if (charges.length > MAX_CHARGES) return undefined;
  const read = charges.map(chargeOf);
  return {
    attempt,
    ...(isName(agent_id) && { agent_id }),
    reason: reason.slice(0, MAX_REASON_CHARACTERS),
    ...(typeof error === "string" && { error: error.slice(0, MAX_ERROR_CHARACTERS) }),
    charges: read.filter((charge) => charge !== undefined),
    ...(isTime(begun) && { begun: new Date(begun).toISOString() }),
    ...(isTime(not_before) && { not_before: new Date(not_before).toISOString() }),
  };
}

/** Reads a stored message's text. @returns As {@linkcode attemptRecord}. */
export function parseAttemptRecord(text: string): AttemptRecord | undefined {
  return attemptRecord(parseObject(text)?.payload);
}

function chargeOf(value: unknown): Charge | undefined {
  if (!isObject(value)) return undefined;
  const { attempt, agent_id, reason } = value;
  if (!isCount(attempt) || typeof reason !== "string") return undefined;
  const word = reason.slice(0, MAX_REASON_CHARACTERS);
  return { attempt, reason: word, ...(isName(agent_id) && { agent_id }) };
}

function isName(value: unknown): value is string {
  return invalidName(value) === undefined;
}

/** A time within a year of now: nothing is put off, or given more time, for longer. */
function isTime(value: unknown): value is string {
  const time = typeof value === "string" ? Date.parse(value) : NaN;
  return time <= Date.now() + MAX_AHEAD_MS;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

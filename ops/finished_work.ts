/**
 * Work that has an outcome, found in the log by its state and by when it ended.
 *
 * @module
 */
import { type Connection, type LogRecord, readLog } from "@ourocodus/bus";
import { ALL_LOG_SUBJECTS, LOG_HEADER, sessionSubjects } from "@ourocodus/protocol";
import { Retries } from "./retries.ts";

/** States that work can be found by. */
export const FINISHED_STATES = ["failed", "dead", "cancelled"] as const;

/** One of {@linkcode FINISHED_STATES}. */
export type FinishedState = typeof FINISHED_STATES[number];

/** Which work. */
export interface FinishedFilter {
  readonly states: readonly FinishedState[];
  /** Only of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
  /** Only what ended at this time or later. */
  readonly since?: Date;
  /** Maximum number of work items; 1000 by default. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A work item that has an outcome. */
export interface FinishedWork {
  readonly work_sequence: number;
  readonly session_id: string;
  readonly role: string;
  readonly state: FinishedState;
  /** `{sequence}.{time}`. */
  readonly identity: string;
  /** Its dead letter's sequence in the log, if it has one. */
  readonly dead_letter: number | undefined;
}

/** What was found. */
export interface FoundWork {
  /** In the order of its sequences. */
  readonly works: readonly FinishedWork[];
  /** Whether there is more than the limit. */
  readonly more: boolean;
}

const DEFAULT_LIMIT = 1_000;

/**
 * Finds work that was not sent again yet. Reads the headers of the log once, from `since` on.
 *
 * @throws {StreamError} If the log cannot be read.
 * @throws {InvalidNameError} If the session is malformed.
 */
export async function finishedWork(
  connection: Connection,
  { states, session, role, since, limit = DEFAULT_LIMIT, signal }: FinishedFilter,
): Promise<FoundWork> {
  const subject = session === undefined ? ALL_LOG_SUBJECTS : sessionSubjects(session);
  const found = new Map<string, { outcome: LogRecord; state: FinishedState; dead?: LogRecord }>();
  const retries = new Retries();
  const records = readLog(connection, subject, { since, headersOnly: true, signal });
  for await (const record of records) {
    retries.look(record);
    const { work, kind } = record;
    if (work === undefined || (role !== undefined && record.role !== role)) continue;
    const known = found.get(work.identity);
    const state = states.find((state) => state === record.header(LOG_HEADER.outcome));
    if (kind === "dead" && known !== undefined) known.dead = record;
    if (kind !== "results" || known !== undefined || state === undefined) continue;
    found.set(work.identity, { outcome: record, state });
  }
  signal?.throwIfAborted();
  const works = [...found].flatMap(([identity, { outcome, state, dead }]) => {
    const { work, session: session_id, role = "" } = outcome;
    if (work === undefined || retries.of(outcome, dead) !== undefined) return [];
    const { sequence: work_sequence } = work;
    return [{ work_sequence, session_id, role, state, identity, dead_letter: dead?.sequence }];
  }).sort((one, other) => one.work_sequence - other.work_sequence);
  return { works: works.slice(0, limit), more: works.length > limit };
}

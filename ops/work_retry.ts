/**
 * Retrying: finished work is sent again as new work, byte for byte, from the log's copy or from its
 * dead letter. Its header `Ourocodus-Retry-Of` has the identity of the work that is sent again.
 *
 * The `Nats-Msg-Id` is made of that identity, and of the retry before if there was one. So of those
 * who retry the same work at the same time, one stores it, and the others are told its sequence.
 *
 * @module
 */
import {
  type Connection,
  type LogRecord,
  PublishError,
  readLog,
  type StreamLimits,
} from "@ourocodus/bus";
import {
  ALL_COPIES,
  ALL_LOG_SUBJECTS,
  LOG_HEADER,
  messageOf,
  parseMessage,
  storedSubject,
} from "@ourocodus/protocol";
import type { FinishedWork } from "./finished_work.ts";
import { prepareWork } from "./prepare_work.ts";
import type { SentWork } from "./send_options.ts";
import { sendWork } from "./send_work.ts";
import type { WorkQuery } from "./trace_records.ts";
import { isUnfinished } from "./trace_state.ts";
import { findCopy } from "./work_copy.ts";
import { traceWork } from "./work_trace.ts";
import type { WorkTrace } from "./work_trace_types.ts";

/** Options of retrying. */
export interface RetryOptions {
  /** Only work of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
  /** Also if it was sent again before. */
  readonly again?: boolean;
  /** Whether only to tell what would be sent. */
  readonly dryRun?: boolean;
  /** Limits for the streams, in case they don't exist any more and are made. */
  readonly limits?: StreamLimits;
  readonly signal?: AbortSignal;
}

/** The work item that is to be sent again. */
export type RetriedWork = Pick<
  WorkTrace,
  "work_sequence" | "session_id" | "role" | "id" | "state" | "retried_as"
>;

/** What became of it. */
export type Retried =
  | { readonly kind: "retried"; readonly work: RetriedWork; readonly sent: SentWork }
  /** With `dryRun`: it would be sent. */
  | { readonly kind: "ready"; readonly work: RetriedWork }
  /** It has no outcome yet. */
  | { readonly kind: "unfinished"; readonly work: RetriedWork }
  /** It was sent again before, as `retried_as`. */
  | { readonly kind: "already"; readonly work: RetriedWork }
  /** It cannot be sent. */
  | { readonly kind: "refused"; readonly work: RetriedWork; readonly reason: string }
  /** The newest work items with this id, one of each session and role: a sequence names one. */
  | { readonly kind: "ambiguous"; readonly works: readonly RetriedWork[] }
  /** Nothing is known of such work. */
  | { readonly kind: "unknown" };

/** Names finished work: a dead letter, by its sequence in the log, names the work that it is of. */
export type RetryQuery = WorkQuery | { readonly deadLetter: number };

/**
 * Retries a work item; of several with one id in one role, the newest.
 *
 * @throws {StreamError} If log or queue cannot be asked.
 * @throws {PublishError} If it cannot be stored.
 */
export async function retryWork(
  connection: Connection,
  query: RetryQuery,
  options: RetryOptions = {},
): Promise<Retried> {
  const { session, role, signal } = options;
  // A sequence is found without reading all of the log.
  const limit = "workSequence" in query ? 1 : undefined;
  const traces = "deadLetter" in query
    ? await traceDead(connection, query.deadLetter, options)
    : await traceWork(connection, query, { session, role, limit, signal });
  return await retryTraced(connection, traces, options);
}

/**
 * The same, where it was asked already where the work is.
 *
 * @param traces What {@linkcode traceWork} said of the query, a moment ago.
 */
export async function retryTraced(
  connection: Connection,
  traces: readonly WorkTrace[],
  options: RetryOptions = {},
): Promise<Retried> {
  const places = Map.groupBy(traces, ({ session_id, role }) => `${session_id} ${role}`);
  const [newest, ...others] = [...places.values()].flatMap(([newest]) => newest ?? []);
  if (newest === undefined) return { kind: "unknown" };
  if (others.length > 0) return { kind: "ambiguous", works: [newest, ...others].map(nameOf) };
  const work = nameOf(newest);
  if (isUnfinished(newest.state)) return { kind: "unfinished", work };
  if (work.retried_as !== null && !options.again) return { kind: "already", work };
  const [stored] = newest.history;
  const copy = stored?.type === "work.stored" ? stored.sequence : null;
  const letter = newest.dead_letter?.sequence;
  const record = await recordAt(connection, copy ?? letter, options);
  return await sendAgain(connection, work, { record, letter }, options);
}

/**
 * Retries work that {@linkcode finishedWork} has found, one after the other; reads its copies from
 * the log once.
 *
 * @throws {StreamError} If the log cannot be asked.
 * @throws {PublishError} If one cannot be stored; those before it are.
 */
export async function* retryFinished(
  connection: Connection,
  works: readonly FinishedWork[],
  options: RetryOptions = {},
): AsyncGenerator<Retried> {
  const [oldest] = works;
  if (oldest === undefined) return;
  const { session, role = "*", signal } = options;
  const subject = session === undefined ? ALL_COPIES : storedSubject(session, role);
  const fromSequence = await findCopy(connection, oldest.work_sequence) ?? 1;
  const left = new Map(works.map((work) => [work.identity, work]));
  for await (const copy of readLog(connection, subject, { fromSequence, signal })) {
    const found = left.get(copy.work?.identity ?? "");
    if (found === undefined || !left.delete(found.identity)) continue;
    const source = { record: copy, letter: found.dead_letter };
    yield await sendAgain(connection, namedBy(found), source, options);
    if (left.size === 0) return;
  }
  signal?.throwIfAborted();
  for (const found of left.values()) {
    const { dead_letter: letter } = found;
    const record = await recordAt(connection, letter, options);
    yield await sendAgain(connection, namedBy(found), { record, letter }, options);
  }
}

/** Where the work item is that a dead letter is of; nothing if there is no such dead letter. */
async function traceDead(
  connection: Connection,
  letter: number,
  { session, role, signal }: RetryOptions,
): Promise<WorkTrace[]> {
  const record = await recordAt(connection, letter, { signal });
  if (record?.kind !== "dead" || record.work === undefined) return [];
  const isElsewhere = (session ?? record.session) !== record.session ||
    (role ?? record.role) !== record.role;
  if (isElsewhere) return [];
  const query = { workSequence: record.work.sequence };
  // Where the work stream was made anew, the newest work item with the sequence may be another one.
  for (const limit of [1, undefined]) {
    const traces = await traceWork(connection, query, { session, role, limit, signal });
    const meant = traces.filter(({ dead_letter }) => dead_letter?.sequence === letter);
    if (meant.length > 0) return meant;
  }
  return [];
}

function nameOf(trace: RetriedWork): RetriedWork {
  const { work_sequence, session_id, role, id, state, retried_as } = trace;
  return { work_sequence, session_id, role, id, state, retried_as };
}

function namedBy({ work_sequence, session_id, role, state }: FinishedWork): RetriedWork {
  return { work_sequence, session_id, role, id: null, state, retried_as: null };
}

async function recordAt(
  connection: Connection,
  sequence: number | undefined,
  { signal }: Pick<RetryOptions, "signal">,
): Promise<LogRecord | undefined> {
  if (sequence === undefined) return undefined;
  const range = { fromSequence: sequence, before: sequence + 1, signal };
  for await (const record of readLog(connection, ALL_LOG_SUBJECTS, range)) {
    return record.sequence === sequence ? record : undefined;
  }
  return undefined;
}

/** Where a message that is sent again is from. */
interface Source {
  /** The work's copy, or its dead letter. */
  readonly record: LogRecord | undefined;
  /** The dead letter's sequence in the log, if there is one. */
  readonly letter: number | undefined;
}

async function sendAgain(
  connection: Connection,
  work: RetriedWork,
  { record, letter }: Source,
  { dryRun = false, limits, signal }: RetryOptions,
): Promise<Retried> {
  const { session_id: session, role, work_sequence, retried_as } = work;
  const identity = record?.work?.identity;
  if (record === undefined || identity === undefined || record.work?.sequence !== work_sequence) {
    return { kind: "refused", work, reason: "the log does not have its message any more" };
  }
  const cutFrom = record.header(LOG_HEADER.cut);
  if (record.kind === "dead" && cutFrom !== undefined) {
    const reason = `its dead letter has ${record.text.length} characters of a message of ` +
      `${cutFrom} bytes, and the log does not have the whole of it any more`;
    return { kind: "refused", work, reason };
  }
  const parsed = parseMessage(record.text);
  if (parsed.kind === "invalid") {
    return { kind: "refused", work, reason: `it would be dead at once: ${parsed.reason}` };
  }
  const { id } = parsed.message;
  const named = { ...work, id };
  const message = {
    ...{ session, role, id, text: record.text },
    messageId: `retry.${identity}${retried_as === null ? "" : `.${retried_as}`}`,
    headers: {
      [LOG_HEADER.retryOf]: identity,
      ...(letter !== undefined && { [LOG_HEADER.requeued]: String(letter) }),
    },
  };
  try {
    prepareWork(message, connection.maxPayloadBytes);
  } catch (error) {
    if (!(error instanceof PublishError)) throw error;
    return { kind: "refused", work: named, reason: messageOf(error) };
  }
  if (dryRun) return { kind: "ready", work: named };
  const sent = await sendWork(connection, message, { limits, signal });
  return { kind: "retried", work: { ...named, retried_as: sent.sequence }, sent };
}

/**
 * Cancelling a work item. Its outcome is an error `cancelled`, which is stored like any other outcome:
 * the stream accepts the one that comes first. Then the work is taken out of the queue, so that nobody
 * is handed it any more, and away from the agent that has it.
 *
 * @module
 */
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { nuid } from "@nats-io/nats-core";
import {
  askMany,
  type Connection,
  FENCE,
  publishStored,
  readStored,
  workIdentity,
} from "@ourocodus/bus";
import {
  type CancelledHolder,
  type CancelNotice,
  eventsSubject,
  formatMessage,
  LOG_HEADER,
  LOG_STREAM,
  outcomeSubject,
  parseHolder,
  RELAYS_WORK_CANCEL_SUBJECT,
  WORK_STREAM,
} from "@ourocodus/protocol";
import type { WorkQuery } from "./trace_records.ts";
import { isUnfinished, lastHolder } from "./trace_state.ts";
import { traceWork } from "./work_trace.ts";
import type { WorkState, WorkTrace } from "./work_trace_types.ts";

/** Options of {@linkcode cancelWork}. */
export interface CancelOptions {
  /** Only work of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
  /** Why, for people; at most {@linkcode MAX_REASON_CHARACTERS} of it are kept. */
  readonly reason?: string;
  readonly signal?: AbortSignal;
}

/** What became of it. */
export type Cancellation =
  | {
    readonly kind: "cancelled";
    readonly work: CancelledWork;
    /** Where it was: in the queue, or in an agent's hands. */
    readonly was: "waiting" | "in_hand";
    /** The agent that had it; null if it was waiting, or its relay does not say so (any more). */
    readonly holder: CancelledHolder | null;
  }
  /** It has an outcome already, which stays. */
  | { readonly kind: "finished"; readonly work: CancelledWork; readonly state: WorkState }
  /** Several work items that have no outcome yet are meant: a sequence names one. */
  | { readonly kind: "ambiguous"; readonly works: readonly CancelledWork[] }
  /** Nothing is known of such work. */
  | { readonly kind: "unknown" };

/** Names the work item. */
export type CancelledWork = Pick<WorkTrace, "work_sequence" | "session_id" | "role" | "id">;

/** Of the reason for a cancellation as much is kept. */
export const MAX_REASON_CHARACTERS = 500;

const TIMEOUT_MS = 5_000;
/** How long relays have to say that an agent had it, in milliseconds: none may have it, … */
const RELAYS_MS = 500;
/** … or one said a moment ago that an agent has it. */
const HOLDER_MS = 3_000;

/**
 * Cancels a work item that has no outcome yet.
 *
 * @param query Its id, or its sequence in the work stream.
 * @returns What became of it. When it says `cancelled`, the outcome is stored.
 * @throws {StreamError} If log or queue cannot be asked.
 * @throws {PublishError} If the outcome cannot be stored. Whether it is, is then not known.
 */
export async function cancelWork(
  connection: Connection,
  query: WorkQuery,
  options: CancelOptions = {},
): Promise<Cancellation> {
  const { session, role, signal } = options;
  const traces = await traceWork(connection, query, { session, role, signal });
  return await cancelTraced(connection, traces, options);
}

/**
 * The same, where it was asked already where the work is.
 *
 * @param traces What {@linkcode traceWork} said of the query, a moment ago.
 */
export async function cancelTraced(
  connection: Connection,
  traces: readonly WorkTrace[],
  options: CancelOptions = {},
): Promise<Cancellation> {
  const [newest] = traces;
  if (newest === undefined) return { kind: "unknown" };
  const open = traces.filter(({ state }) => isUnfinished(state));
  const [found, ...others] = open;
  if (found === undefined) return { kind: "finished", work: nameOf(newest), state: newest.state };
  if (others.length > 0) return { kind: "ambiguous", works: open.map(nameOf) };
  return await cancelFound(connection, found, options);
}

async function cancelFound(
  connection: Connection,
  found: WorkTrace,
  options: CancelOptions,
): Promise<Cancellation> {
  const { work_sequence: sequence } = found;
  const stored = await readStored(connection, WORK_STREAM, sequence);
  const identity = stored && workIdentity(stored);
  if (identity === undefined || !await storeOutcome(connection, found, identity, options)) {
    return await finishedMeanwhile(connection, found, options);
  }
  // In this order: who is handed it until it is removed, is among those who are told.
  await removeFromQueue(connection, sequence);
  const holder = await tellRelays(connection, { work: identity, phase: "done" }, {
    ...(found.state === "in_hand" && { waitMs: HOLDER_MS }),
  });
  await recordEvent(connection, found, holder, options);
  // An agent whose relay is away, or dead, may still work on it.
  const was = holder === null && lastHolder(found.history) === undefined ? "waiting" : "in_hand";
  return { kind: "cancelled", work: nameOf(found), was, holder };
}

async function finishedMeanwhile(
  connection: Connection,
  found: WorkTrace,
  { signal }: CancelOptions,
): Promise<Cancellation> {
  const { session_id: session, role, work_sequence } = found;
  const query = { workSequence: work_sequence };
  const [now] = await traceWork(connection, query, { session, role, signal });
  return { kind: "finished", work: nameOf(found), state: now?.state ?? "gone" };
}

/** @returns Whether it is the work's outcome; false if there was one already. */
async function storeOutcome(
  connection: Connection,
  { id, work_sequence, session_id, role }: WorkTrace,
  identity: string,
  { reason }: CancelOptions,
): Promise<boolean> {
  const message = reason?.slice(0, MAX_REASON_CHARACTERS) || "the work was cancelled";
  const code = "cancelled";
  const text = formatMessage(id ?? `work-${work_sequence}`, "error", {
    ...{ code, message, session_id, role },
  });
  const subject = outcomeSubject(session_id, role, identity);
  const store = async (headers: Record<string, string>) =>
    await publishStored(connection, subject, text, {
      headers: { ...headers, ...FENCE, [LOG_HEADER.outcome]: "cancelled" },
      stream: LOG_STREAM,
      timeoutMs: TIMEOUT_MS,
    });
  const { duplicate, sequence } = await store({ "Nats-Msg-Id": identity });
  // Only a message of another subject is told by its identity: the copy of somebody's work.
  const isTaken = duplicate && sequence > 0;
  return isTaken ? !(await store({})).duplicate : !duplicate;
}

/** Tells all relays. @returns What the one says that has it; null if none has. */
async function tellRelays(
  connection: Connection,
  notice: CancelNotice,
  { waitMs = RELAYS_MS }: { readonly waitMs?: number } = {},
): Promise<CancelledHolder | null> {
  let holder: CancelledHolder | undefined;
  await askMany(connection, RELAYS_WORK_CANCEL_SUBJECT, [notice], {
    waitMs,
    onAnswer: (answer) => (holder ??= parseHolder(answer.string())) !== undefined,
  });
  return holder ?? null;
}

async function removeFromQueue(connection: Connection, sequence: number): Promise<void> {
  const manager = await jetstreamManager(connection.nats, { checkAPI: false });
  try {
    await manager.streams.deleteMessage(WORK_STREAM, sequence, false);
  } catch (error) {
    // It is gone already: its relay has acknowledged it meanwhile.
    if (!(error instanceof JetStreamApiError)) throw error;
  }
}

async function recordEvent(
  connection: Connection,
  { work_sequence: seq, id, session_id, role }: WorkTrace,
  holder: CancelledHolder | null,
  { reason }: CancelOptions,
): Promise<void> {
  const event = nuid.next();
  const item = {
    ...{ seq, id, role },
    ...(holder && { agent_id: holder.agent_id, attempt: holder.attempt }),
    ...(reason && { reason: reason.slice(0, MAX_REASON_CHARACTERS) }),
  };
  const text = formatMessage(event, "work.cancelled", { work: [item] });
  await publishStored(connection, eventsSubject(session_id), text, {
    headers: { "Nats-Msg-Id": event },
    stream: LOG_STREAM,
    timeoutMs: TIMEOUT_MS,
  });
}

function nameOf({ work_sequence, session_id, role, id }: WorkTrace): CancelledWork {
  return { work_sequence, session_id, role, id };
}

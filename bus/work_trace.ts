/**
 * Where is a piece of work? What the log, the queue and the relays say of it, put together.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { logBounds, readLog } from "./log_reader.ts";
import { parseMessage } from "./message.ts";
import { askRelays, type DirectoryAgent } from "./relay_directory.ts";
import { readNextOf, readStored, type StoredMessage } from "./stored_message.ts";
import { WORK_STREAM } from "./streams.ts";
import { ALL_LOG_SUBJECTS, parseSubject, sessionSubjects, WORK_SUBJECTS } from "./subjects.ts";
import { type TracedWork, TraceRecords, type WorkQuery } from "./trace_records.ts";
import { type Findings, workTrace } from "./trace_state.ts";
import type { WorkTrace } from "./work_trace_types.ts";

/** Options of {@linkcode traceWork}. */
export interface TraceOptions {
  /** Only work of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
  /** At most so many pieces of work, the newest; 20 by default. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_LIMIT = 20;
/** Work that the log has no copy of is looked for among so many waiting pieces, the oldest. */
const SEARCHED_IN_QUEUE = 2_000;

/**
 * Finds out where work is. Reads the log once, from its beginning.
 *
 * @param query An id, which may be of several pieces of work, or a sequence in the work stream.
 * @returns Newest first; empty if nothing is known.
 * @throws {StreamError} If log or queue cannot be read.
 */
export async function traceWork(
  connection: Connection,
  query: WorkQuery,
  options: TraceOptions = {},
): Promise<WorkTrace[]> {
  const { session, role, limit = DEFAULT_LIMIT, signal } = options;
  const subject = session === undefined ? ALL_LOG_SUBJECTS : sessionSubjects(session);
  const records = new TraceRecords(query, { session, role });
  const { holding } = records;
  // A consumer costs the server more than asking whether there is something to read.
  const { first, last } = await logBounds(connection);
  if (last >= first) {
    const all = readLog(connection, subject, { holding, signal });
    for await (const record of all) records.look(record);
  }
  signal?.throwIfAborted();
  let works = records.newest(limit);
  if (works.length === 0) works = await findInQueue(connection, query, { session, role });
  const queued = await queuedOf(connection, works);
  if (works.some((work) => work.outcome === undefined && !queued.has(work))) {
    // Answered meanwhile, as it seems: what was recorded since the reading says how.
    const fromSequence = Math.max(last, records.end) + 1;
    const more = readLog(connection, subject, { fromSequence, holding, signal });
    for await (const record of more) records.look(record);
    signal?.throwIfAborted();
  }
  const open = works.filter((work) => work.outcome === undefined && queued.has(work));
  const agents = await agentsOf(connection, open, signal);
  return works.map((work) => {
    const findings: Findings = {
      queued: queued.get(work),
      agents: agents.get(roleKey(work)) ?? [],
      requeued: records.requeued,
    };
    return workTrace(work, findings);
  });
}

/** What of the work is in the queue. */
async function queuedOf(
  connection: Connection,
  works: readonly TracedWork[],
): Promise<Map<TracedWork, StoredMessage>> {
  const queued = new Map<TracedWork, StoredMessage>();
  await Promise.all(works.map(async (work) => {
    if (work.outcome !== undefined) return;
    const stored = work.queued ?? await readStored(connection, WORK_STREAM, work.sequence);
    if (stored !== undefined && isSame(work, stored)) queued.set(work, stored);
  }));
  return queued;
}

/** Clocks are those of one server; before 2.10 copies tell their own time. */
const SAME_MS = 5_000;

/** Whether the queue's message is the work, and not one of a stream that was made anew. */
function isSame(work: TracedWork, { subject, timeNs }: StoredMessage): boolean {
  const parsed = parseSubject(subject);
  if (parsed?.kind !== "work") return false;
  if (parsed.session !== work.session || parsed.role !== work.role) return false;
  const storedAt = Number(timeNs.slice(0, -6));
  return work.storedAt === undefined || Math.abs(work.storedAt.getTime() - storedAt) < SAME_MS;
}

/** Waiting work that the log has no copy of: published in ways that copies cannot follow. */
async function findInQueue(
  connection: Connection,
  query: WorkQuery,
  { session, role }: Pick<TraceOptions, "session" | "role">,
): Promise<TracedWork[]> {
  const matches = (stored: StoredMessage): TracedWork | undefined => {
    const parsed = parseSubject(stored.subject);
    if (parsed?.kind !== "work") return undefined;
    if (session !== undefined && parsed.session !== session) return undefined;
    if (role !== undefined && parsed.role !== role) return undefined;
    const message = parseMessage(new TextDecoder().decode(stored.data));
    const id = message.kind === "ok" ? message.message.id : message.id;
    if ("id" in query && id !== query.id) return undefined;
    return {
      sequence: stored.sequence,
      session: parsed.session,
      role: parsed.role,
      id,
      storedAt: new Date(Number(stored.timeNs.slice(0, -6))),
      queued: stored,
      steps: [],
    };
  };
  if ("workSequence" in query) {
    const stored = await readStored(connection, WORK_STREAM, query.workSequence);
    const work = stored && matches(stored);
    return work === undefined ? [] : [work];
  }
  const found: TracedWork[] = [];
  let after = 0;
  for (let looked = 0; looked < SEARCHED_IN_QUEUE; looked++) {
    const stored = await readNextOf(connection, WORK_STREAM, WORK_SUBJECTS, after);
    if (stored === undefined) break;
    const work = matches(stored);
    if (work !== undefined) found.unshift(work);
    after = stored.sequence;
  }
  return found;
}

/** Who has which work, by session and role. */
async function agentsOf(
  connection: Connection,
  works: readonly TracedWork[],
  signal: AbortSignal | undefined,
): Promise<Map<string, readonly DirectoryAgent[]>> {
  const roles = new Map(works.map((work) => [roleKey(work), work]));
  const asked = [...roles].map(async ([key, { session, role }]) => {
    const { agents } = await askRelays(connection, { session, role, work: true }, {
      timeoutMs: 1_000,
      signal,
    });
    return [key, agents] as const;
  });
  return new Map(await Promise.all(asked));
}

function roleKey({ session, role }: TracedWork): string {
  return `${session} ${role}`;
}

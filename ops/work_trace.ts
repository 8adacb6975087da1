/**
 * Where is a work item? What the log, the queue and the relays say of it, put together.
 *
 * @module
 */
import {
  type Connection,
  logBounds,
  readLog,
  readNextOf,
  readStored,
  storedAtMs,
  type StoredMessage,
} from "@ourocodus/bus";
import {
  ALL_LOG_SUBJECTS,
  parseMessage,
  parseSubject,
  sessionSubjects,
  WORK_STREAM,
  WORK_SUBJECTS,
} from "@ourocodus/protocol";
import { askRelays, type RelayDirectory } from "./relay_directory.ts";
import { Retries } from "./retries.ts";
import { type TracedWork, TraceRecords, type WorkQuery } from "./trace_records.ts";
import { type Findings, workTrace } from "./trace_state.ts";
import { findCopy } from "./work_copy.ts";
import type { WorkTrace } from "./work_trace_types.ts";

/** Options of {@linkcode traceWork}. */
export interface TraceOptions {
  /** Only work of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
  /** At most so many work items, the newest; 20 by default. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

const DEFAULT_LIMIT = 20;
/** Work that the log has no copy of is looked for among so many waiting pieces, the oldest. */
const SEARCHED_IN_QUEUE = 2_000;

/**
 * Finds out where work is. Reads the log once, from its beginning; with a sequence and a `limit` of
 * 1 from where the work's copy is.
 *
 * @param query An id, which may be of several work items, or a sequence in the work stream.
 * @returns Newest first; empty if nothing is known.
 * @throws {StreamError} If log or queue cannot be read.
 */
export async function traceWork(
  connection: Connection,
  query: WorkQuery,
  options: TraceOptions = {},
): Promise<WorkTrace[]> {
  const [traces = []] = await traceWorks(connection, [query], options);
  return traces;
}

/**
 * The same for several queries, which reads the log once for all of them.
 *
 * @returns What {@linkcode traceWork} returns, for each query in its place.
 * @throws {StreamError} If log or queue cannot be read.
 */
export async function traceWorks(
  connection: Connection,
  queries: readonly WorkQuery[],
  options: TraceOptions = {},
): Promise<WorkTrace[][]> {
  const { session, role, limit = DEFAULT_LIMIT, signal } = options;
  const records = queries.map((query) => new TraceRecords(query, { session, role }));
  const from = limit === 1 ? await beginningOf(connection, queries) : 1;
  const read = await lookAll(connection, records, { session, signal, from });
  const found = records.map((each) => each.newest(limit));
  const unknown = queries.filter((_, index) => found[index]?.length === 0);
  const inQueue = await findInQueue(connection, unknown, { session, role });
  const works = queries.map((query, index) => inQueue.get(query) ?? found[index] ?? []);
  const all = works.flat();
  const queued = await queuedOf(connection, all);
  if (all.some((work) => work.outcome === undefined && !queued.has(work))) {
    // Answered meanwhile, as it seems: what was recorded since the reading says how.
    await lookAll(connection, records, { session, signal, from: read + 1 });
  }
  const open = all.filter((work) => work.outcome === undefined && queued.has(work));
  const directories = await directoriesOf(connection, open, signal);
  return works.map((same, index) =>
    same.map((work) => {
      const findings: Findings = {
        queued: queued.get(work),
        directory: directories.get(roleKey(work)) ?? NOT_ASKED,
        retries: records[index]?.retries ?? new Retries(),
      };
      return workTrace(work, findings);
    })
  );
}

/** From which sequence on the log says all of the newest work that is meant. */
async function beginningOf(
  connection: Connection,
  queries: readonly WorkQuery[],
): Promise<number> {
  let beginning = Infinity;
  for (const query of queries) {
    // Of several with one id some may have lost their copies.
    const copy = "id" in query ? undefined : await findCopy(connection, query.workSequence);
    if (copy === undefined) return 1;
    beginning = Math.min(beginning, copy);
  }
  return beginning;
}

/**
 * Shows each what the log has for it.
 *
 * @returns The sequence up to which all was read.
 */
async function lookAll(
  connection: Connection,
  records: readonly TraceRecords[],
  { session, signal, from = 1 }: Pick<TraceOptions, "session" | "signal"> & {
    readonly from?: number;
  },
): Promise<number> {
  // A consumer costs the server more than asking whether there is something to read.
  const { first, last } = await logBounds(connection);
  let read = last;
  if (last < Math.max(first, from)) return read;
  const subject = session === undefined ? ALL_LOG_SUBJECTS : sessionSubjects(session);
  const any = records.some(({ holding }) => holding === undefined);
  const holding = any ? undefined : [...new Set(records.flatMap(({ holding }) => holding ?? []))];
  for await (
    const record of readLog(connection, subject, { fromSequence: from, holding, signal })
  ) {
    read = Math.max(read, record.sequence);
    for (const each of records) each.look(record);
  }
  signal?.throwIfAborted();
  return read;
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

/** Whether the queue's message is the work, and not one of a stream that was made anew. */
function isSame(work: TracedWork, stored: StoredMessage): boolean {
  const parsed = parseSubject(stored.subject);
  if (parsed?.kind !== "work") return false;
  if (parsed.session !== work.session || parsed.role !== work.role) return false;
  return work.storedAt === undefined || work.storedAt.getTime() === storedAtMs(stored);
}

/** Waiting work that the log has no copy of: published in ways that copies cannot follow. */
async function findInQueue(
  connection: Connection,
  queries: readonly WorkQuery[],
  only: Pick<TraceOptions, "session" | "role">,
): Promise<Map<WorkQuery, TracedWork[]>> {
  const found = new Map<WorkQuery, TracedWork[]>();
  const ofIds = new Map<string, TracedWork[]>();
  for (const query of queries) {
    if ("id" in query) {
      // The same id may be asked for twice.
      const works = ofIds.get(query.id) ?? [];
      ofIds.set(query.id, works);
      found.set(query, works);
    } else {
      const stored = await readStored(connection, WORK_STREAM, query.workSequence);
      const work = stored && queuedWork(stored, only);
      found.set(query, work === undefined ? [] : [work]);
    }
  }
  let after = 0;
  for (let looked = 0; ofIds.size > 0 && looked < SEARCHED_IN_QUEUE; looked++) {
    const stored = await readNextOf(connection, WORK_STREAM, WORK_SUBJECTS, after);
    if (stored === undefined) break;
    const work = queuedWork(stored, only);
    if (work?.id !== undefined) ofIds.get(work.id)?.unshift(work);
    after = stored.sequence;
  }
  return found;
}

/** A message of the queue as work, if it is of the session and role that are meant. */
function queuedWork(
  stored: StoredMessage,
  { session, role }: Pick<TraceOptions, "session" | "role">,
): TracedWork | undefined {
  const parsed = parseSubject(stored.subject);
  if (parsed?.kind !== "work") return undefined;
  if (session !== undefined && parsed.session !== session) return undefined;
  if (role !== undefined && parsed.role !== role) return undefined;
  const message = parseMessage(new TextDecoder().decode(stored.data));
  return {
    sequence: stored.sequence,
    session: parsed.session,
    role: parsed.role,
    id: message.kind === "ok" ? message.message.id : message.id,
    storedAt: new Date(storedAtMs(stored)),
    queued: stored,
    steps: [],
  };
}

/** Of work that no agent can have. */
const NOT_ASKED = { agents: [], complete: false, nobody: false };

/** Who has which work, by session and role. */
async function directoriesOf(
  connection: Connection,
  works: readonly TracedWork[],
  signal: AbortSignal | undefined,
): Promise<Map<string, RelayDirectory>> {
  const roles = new Map(works.map((work) => [roleKey(work), work]));
  const asked = [...roles].map(async ([key, { session, role }]) => {
    const directory = await askRelays(connection, { session, role, work: true }, {
      timeoutMs: 1_000,
      signal,
    });
    return [key, directory] as const;
  });
  return new Map(await Promise.all(asked));
}

function roleKey({ session, role }: TracedWork): string {
  return `${session} ${role}`;
}

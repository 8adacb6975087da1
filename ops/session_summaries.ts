/**
 * How sessions are: counted from what the streams and their consumers say of themselves, and from
 * who is connected.
 *
 * @module
 */
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import {
  type Connection,
  readLastOf,
  roleOfConsumer,
  storedAtMs,
  StreamError,
} from "@ourocodus/bus";
import {
  LOG_STREAM,
  messageOf,
  parseSubject,
  sessionSubjects,
  WORK_STREAM,
} from "@ourocodus/protocol";
import { OutcomeCounts, type Outcomes } from "./outcome_counts.ts";
import { askRelays } from "./relay_directory.ts";
import { SHORT_SUBJECTS } from "./stream_numbers.ts";
import type { SessionSummary, WorkCounts } from "./work_trace_types.ts";

/** Options of {@linkcode sessionSummaries}. */
export interface SessionOptions {
  /** Keeps what was read from one call to the next; without it all is read each time. */
  readonly counts?: OutcomeCounts;
  readonly signal?: AbortSignal;
}

/** Which page. */
export interface SessionPageOptions extends SessionOptions {
  /** Sessions whose names come after this one. */
  readonly after?: string;
  /** At most so many; 100 by default. */
  readonly limit?: number;
}

/** A page of sessions. */
export interface SessionPage {
  /** Sorted by name. */
  readonly items: readonly SessionSummary[];
  /** `after` of the next page; null if there is none. */
  readonly next: string | null;
}

const DEFAULT_LIMIT = 100;

/**
 * Lists sessions: all of which something is in the streams, or an agent is connected.
 *
 * @throws {StreamError} If the streams cannot be asked.
 */
export async function sessionSummaries(
  connection: Connection,
  options: SessionPageOptions = {},
): Promise<SessionPage> {
  const { after = "", limit = DEFAULT_LIMIT } = options;
  const tally = await tallyOf(connection, undefined, options);
  const names = tally.sessions().filter((name) => name > after).sort();
  const page = names.slice(0, limit);
  const items = await Promise.all(page.map((name) => summaryOf(connection, tally, name)));
  return { items, next: names.length > limit ? page.at(-1) ?? null : null };
}

/**
 * How one session is.
 *
 * @returns `undefined` if there is none of that name.
 * @throws {StreamError} If the streams cannot be asked.
 * @throws {InvalidNameError} If the name is malformed.
 */
export async function sessionSummary(
  connection: Connection,
  session: string,
  options: SessionOptions = {},
): Promise<SessionSummary | undefined> {
  sessionSubjects(session); // Throws if the name is malformed.
  const tally = await tallyOf(connection, session, options);
  if (!tally.sessions().includes(session)) return undefined;
  return await summaryOf(connection, tally, session);
}

async function tallyOf(
  connection: Connection,
  session: string | undefined,
  { counts = new OutcomeCounts(connection), signal }: SessionOptions,
): Promise<Tally> {
  const tally = new Tally();
  const filters = SHORT_SUBJECTS.map((subject) => subject.replace("*", session ?? "*"));
  try {
    const manager = await jetstreamManager(connection.nats, { checkAPI: false });
    const [subjects, consumers, { agents }] = await Promise.all([
      subjectsOf(manager, filters),
      runningOf(manager, session),
      askRelays(connection, { session }, { timeoutMs: 1_000, signal }),
      counts.update(),
    ]);
    for (const [subject, count] of subjects) tally.subject(subject, count);
    for (const outcomes of counts.all()) {
      if (session === undefined || session === outcomes.session) tally.outcomes(outcomes);
    }
    for (const { session, role, count } of consumers) tally.running(session, role, count);
    for (const agent of agents) tally.agent(agent.session_id, agent.role);
    return tally;
  } catch (error) {
    if (error instanceof StreamError || signal?.aborted) throw error;
    throw new StreamError(`Cannot count what is in the streams: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** All subjects of both streams but those of outcomes, with their numbers of messages. */
async function subjectsOf(
  manager: JetStreamManager,
  filters: readonly string[],
): Promise<[string, number][]> {
  const asked = [WORK_STREAM, LOG_STREAM].flatMap((stream) =>
    filters.map(async (filter) => {
      const { state } = await manager.streams.info(stream, { subjects_filter: filter });
      return Object.entries(state.subjects ?? {});
    })
  );
  return (await Promise.all(asked)).flat();
}

async function runningOf(
  manager: JetStreamManager,
  session: string | undefined,
): Promise<{ session: string; role: string; count: number }[]> {
  const found: { session: string; role: string; count: number }[] = [];
  for await (const { name, num_ack_pending: count } of manager.consumers.list(WORK_STREAM)) {
    const parsed = roleOfConsumer(name);
    if (parsed === undefined || count === 0) continue;
    if (session === undefined || session === parsed.session) {
      found.push({ session: parsed.session, role: parsed.role, count });
    }
  }
  return found;
}

interface OfRole {
  readonly session: string;
  readonly role: string;
}

type Counts = { -readonly [K in keyof WorkCounts]: WorkCounts[K] };

/** Counts by session and role. */
class Tally {
  readonly #sessions = new Map<string, Map<string, Counts>>();

  sessions(): string[] {
    return [...this.#sessions.keys()];
  }

  subject(subject: string, count: number): void {
    const parsed = parseSubject(subject);
    if (parsed === undefined) return;
    if (parsed.kind === "events") {
      this.#roles(parsed.session);
      return;
    }
    const counts = this.#counts(parsed.session, parsed.role);
    if (parsed.kind === "work") counts.waiting = count;
  }

  outcomes({ session, role, ...outcomes }: Outcomes & OfRole): void {
    Object.assign(this.#counts(session, role), outcomes);
  }

  running(session: string, role: string, count: number): void {
    const counts = this.#counts(session, role);
    // Stream and consumer were asked one after the other.
    counts.in_hand = Math.min(count, counts.waiting);
    counts.waiting -= counts.in_hand;
  }

  agent(session: string, role: string): void {
    this.#counts(session, role).agents++;
  }

  roles(session: string): SessionSummary["roles"] {
    const roles = [...this.#roles(session)].map(([role, counts]) => ({ role, ...counts }));
    return roles.sort((one, other) => one.role < other.role ? -1 : 1);
  }

  #roles(session: string): Map<string, Counts> {
    let roles = this.#sessions.get(session);
    if (roles === undefined) this.#sessions.set(session, roles = new Map());
    return roles;
  }

  #counts(session: string, role: string): Counts {
    const roles = this.#roles(session);
    let counts = roles.get(role);
    if (counts === undefined) {
      counts = { agents: 0, waiting: 0, in_hand: 0, done: 0, failed: 0, dead: 0, cancelled: 0 };
      roles.set(role, counts);
    }
    return counts;
  }
}

async function summaryOf(
  connection: Connection,
  tally: Tally,
  session: string,
): Promise<SessionSummary> {
  const roles = tally.roles(session);
  const sum = (name: keyof WorkCounts) => roles.reduce((total, role) => total + role[name], 0);
  const newest = await readLastOf(connection, LOG_STREAM, sessionSubjects(session));
  const last = newest === undefined ? null : new Date(storedAtMs(newest));
  return {
    session_id: session,
    agents: sum("agents"),
    waiting: sum("waiting"),
    in_hand: sum("in_hand"),
    done: sum("done"),
    failed: sum("failed"),
    dead: sum("dead"),
    cancelled: sum("cancelled"),
    last_activity: last?.toISOString() ?? null,
    roles,
  };
}

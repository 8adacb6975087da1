/**
 * Work that has no outcome yet: what waits, and what agents have.
 *
 * @module
 */
import { type Connection, readNextOf, storedAtMs, type StoredMessage } from "@ourocodus/bus";
import { parseMessage, parseSubject, WORK_STREAM, workSubjects } from "@ourocodus/protocol";
import { askRelays, type DirectoryAgent } from "./relay_directory.ts";
import type { PendingWork } from "./work_trace_types.ts";

/** Options of {@linkcode pendingWork}. */
export interface PendingWorkOptions {
  /** Only of this role. */
  readonly role?: string;
  /** Only those with a higher sequence in the work stream. */
  readonly after?: number;
  /** At most so many; 100 by default. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

/** A page of work. */
export interface PendingWorkPage {
  /** Oldest first. */
  readonly items: readonly PendingWork[];
  /** `after` of the next page; null if there is none. */
  readonly next: number | null;
}

const DEFAULT_LIMIT = 100;

/**
 * Lists a session's work that has no outcome.
 *
 * @throws {StreamError} If the queue cannot be read.
 * @throws {InvalidNameError} If session or role is malformed.
 */
export async function pendingWork(
  connection: Connection,
  session: string,
  options: PendingWorkOptions = {},
): Promise<PendingWorkPage> {
  const { role, limit = DEFAULT_LIMIT, signal } = options;
  const subject = workSubjects(session, role ?? "*");
  const asked = askRelays(connection, { session, role, work: true }, { timeoutMs: 1_000, signal });
  asked.catch(() => {}); // Should reading fail, that is the error to tell.
  const stored: StoredMessage[] = [];
  let after = options.after ?? 0;
  let more = true;
  while (stored.length <= limit) {
    const next = await readNextOf(connection, WORK_STREAM, subject, after);
    signal?.throwIfAborted();
    more = next !== undefined;
    if (next === undefined) break;
    stored.push(next);
    after = next.sequence;
  }
  const holders = holdersOf((await asked).agents);
  const items = stored.slice(0, limit).flatMap((message) => pendingOf(message, holders) ?? []);
  return { items, next: more ? items.at(-1)?.work_sequence ?? null : null };
}

type Holder = Pick<PendingWork, "attempt" | "agent_id" | "since" | "silent_since">;

function holdersOf(agents: readonly DirectoryAgent[]): Map<number, Holder> {
  return new Map(
    agents.flatMap(({ agent_id, work = [] }) =>
      work.map((
        { sequence, attempt, since, silent_since = null },
      ) => [sequence, { attempt, agent_id, since, silent_since }])
    ),
  );
}

function pendingOf(
  stored: StoredMessage,
  holders: ReadonlyMap<number, Holder>,
): PendingWork | undefined {
  const { subject, sequence, data } = stored;
  const named = parseSubject(subject);
  if (named?.kind !== "work") return undefined;
  const parsed = parseMessage(new TextDecoder().decode(data));
  const holder = holders.get(sequence);
  return {
    ...(parsed.kind === "ok" ? parsed.message : { id: null, type: null, payload: null }),
    work_sequence: sequence,
    session_id: named.session,
    role: named.role,
    stored_at: new Date(storedAtMs(stored)).toISOString(),
    state: holder === undefined ? "waiting" : "in_hand",
    ...(holder ?? { attempt: null, agent_id: null, since: null, silent_since: null }),
  };
}

/**
 * Asking all relays which agents are connected to them. There is no list of relays: those that
 * are there answer.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import { askMany, type Connection } from "@ourocodus/bus";
import {
  type AgentRecord,
  type AgentsPage,
  type AgentsQuery,
  type AgentWork,
  isObject,
  parseObject,
  type PausedAgent,
  RELAYS_AGENTS_SUBJECT,
} from "@ourocodus/protocol";

/** Options of {@linkcode askRelays}. */
export interface AskRelaysOptions {
  /** How long to wait at most, in milliseconds; 2000 by default. */
  readonly timeoutMs?: number;
  /** How long to wait after an answer for another relay's, in milliseconds; 100 by default. */
  readonly stallMs?: number;
  readonly signal?: AbortSignal;
}

/** A relay that answered. */
export interface RelayRecord {
  readonly relay_id: string;
  readonly version: string;
  /** Why it is unhealthy, if it is. */
  readonly reason?: string;
}

/** A connected agent, and the relay that it is connected to. */
export interface DirectoryAgent extends AgentRecord {
  readonly relay_id: string;
}

/** What the relays answered. */
export interface RelayDirectory {
  /** Sorted by id. */
  readonly relays: readonly RelayRecord[];
  /** Sorted by session, role and id. */
  readonly agents: readonly DirectoryAgent[];
  /** Whether no relay is there, as the server says. One that is there may be slow to answer. */
  readonly nobody: boolean;
  /**
   * Whether at least one relay has answered, and each that has did so to its end. Otherwise it is not
   * known of an agent that is missing whether it is connected.
   */
  readonly complete: boolean;
}

const DEFAULT_TIMEOUT_MS = 2_000;
const DEFAULT_STALL_MS = 100;

/**
 * Asks all relays for their agents, and puts the pages of their answers together.
 *
 * @param query Which agents; all by default.
 * @returns Empty if there is no relay, or none answered in time.
 * @throws The signal's reason, if it was aborted.
 */
export async function askRelays(
  connection: Connection,
  query: AgentsQuery = {},
  options: AskRelaysOptions = {},
): Promise<RelayDirectory> {
  const { timeoutMs = DEFAULT_TIMEOUT_MS, stallMs = DEFAULT_STALL_MS, signal } = options;
  signal?.throwIfAborted();
  const pages = new Pages();
  const stalled = new AbortController();
  let stall: ReturnType<typeof setTimeout> | undefined;
  const onAnswer = (answer: Msg): boolean => {
    const page = parsePage(answer);
    if (page === undefined) return false;
    pages.add(page);
    clearTimeout(stall);
    // Before all pages of those that began to answer are there, only the time-out ends it.
    if (pages.complete) stall = setTimeout(() => stalled.abort(), stallMs);
    return false;
  };
  const nobody = await askMany(connection, RELAYS_AGENTS_SUBJECT, [query], {
    waitMs: timeoutMs,
    signal: AbortSignal.any([stalled.signal, ...(signal === undefined ? [] : [signal])]),
    onAnswer,
  }).finally(() => clearTimeout(stall));
  signal?.throwIfAborted();
  return { ...pages.directory(), nobody };
}

/** The pages that have come, by relay. */
class Pages {
  readonly #relays = new Map<string, Map<number, AgentsPage>>();

  add(page: AgentsPage): void {
    const pages = this.#relays.get(page.relay_id) ?? new Map<number, AgentsPage>();
    this.#relays.set(page.relay_id, pages.set(page.page, page));
  }

  /** Whether every relay that has answered has done so to the end. */
  get complete(): boolean {
    return [...this.#relays.values()].every((pages) => {
      const [first] = pages.values();
      return pages.size >= (first?.pages ?? 0);
    });
  }

  directory(): Omit<RelayDirectory, "nobody"> {
    const all = [...this.#relays.values()].flatMap((pages) => [...pages.values()]);
    const relays = new Map(all.map((page) => [page.relay_id, relayOf(page)]));
    const agents = all.flatMap(({ relay_id, agents }) =>
      agents.map((agent) => ({ ...agent, relay_id }))
    );
    return {
      relays: sortedBy([...relays.values()], (relay) => relay.relay_id),
      agents: sortedBy(joined(agents), nameOf),
      complete: relays.size > 0 && this.complete,
    };
  }
}

function relayOf({ relay_id, version, reason }: AgentsPage): RelayRecord {
  return { relay_id, version, ...(reason !== undefined && { reason }) };
}

/** An agent with much work has several records, with some of it in each. */
function joined(records: readonly DirectoryAgent[]): DirectoryAgent[] {
  const agents = new Map<string, DirectoryAgent>();
  for (const record of records) {
    // A connection that was lost unnoticed may be listed next to its successor's.
    const key = `${record.relay_id} ${nameOf(record)} ${record.connected_at}`;
    const known = agents.get(key);
    const work = known?.work && [...known.work, ...record.work ?? []];
    agents.set(key, { ...record, ...(work && { work }) });
  }
  return [...agents.values()];
}

function nameOf({ session_id, role, agent_id }: DirectoryAgent): string {
  return `${session_id} ${role} ${agent_id}`;
}

function sortedBy<T>(list: T[], key: (item: T) => string): T[] {
  return list.sort((one, other) => key(one) < key(other) ? -1 : key(one) > key(other) ? 1 : 0);
}

/** Anybody may answer: what is no page of ours is passed over. */
function parsePage(message: Msg): AgentsPage | undefined {
  const page = parseObject(message.string());
  const { relay_id, version, reason, page: number, pages, agents } = page ?? {};
  const wellFormed = typeof relay_id === "string" && typeof version === "string" &&
    isCount(number) && isCount(pages) && Array.isArray(agents) && agents.every(isAgent);
  if (!wellFormed) return undefined;
  const why = typeof reason === "string" && { reason };
  return { relay_id, version, ...why, page: number, pages, agents };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1;
}

function isAgent(value: unknown): value is AgentRecord {
  return isObject(value) &&
    ["agent_id", "session_id", "role", "protocol", "connected_at"]
      .every((name) => typeof value[name] === "string") &&
    ["concurrency", "in_hand"].every((name) => typeof value[name] === "number") &&
    (value.paused === undefined || isPaused(value.paused)) &&
    (value.work === undefined || (Array.isArray(value.work) && value.work.every(isAgentWork)));
}

function isPaused(value: unknown): value is PausedAgent {
  return isObject(value) &&
    ["reason", "message"].every((name) => typeof value[name] === "string") &&
    isTime(value.until);
}

function isTime(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

function isAgentWork(value: unknown): value is AgentWork {
  return isObject(value) && isCount(value.sequence) && isCount(value.attempt) &&
    typeof value.id === "string" && typeof value.since === "string" &&
    (value.silent_since === undefined || isTime(value.silent_since));
}

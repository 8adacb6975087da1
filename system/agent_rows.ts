/**
 * The agents there are: those that were started here, whether they are connected or not, and those
 * that relays know from elsewhere.
 *
 * @module
 */
import type { DirectoryAgent, RelayDirectory } from "@ourocodus/ops";
import type { PausedAgent } from "@ourocodus/protocol";
import type { Exit, ProcessView } from "./process_spec.ts";

/** An agent, as `agent list --json` prints it. */
export interface AgentRow {
  /** What it was called here; null for one that was started elsewhere. */
  readonly name: string | null;
  readonly id: string;
  readonly session: string;
  readonly role: string;
  readonly runtime: "process" | "docker" | "external";
  /** `unknown`: it runs, and no relay has said whether it is connected. */
  readonly status: "starting" | "connected" | "disconnected" | "unknown" | "exited";
  /** How it ended, if it has. */
  readonly exit: Exit | null;
  readonly concurrency: number;
  /** Work items in its hands. */
  readonly in_hand: number;
  /** Why it takes no work for now, and until when; null if it does. */
  readonly paused: PausedAgent | null;
  readonly pid: number | null;
  readonly container: string | null;
  readonly restarts: number;
  /** When it was started here, or connected from elsewhere, ISO 8601; null if it does not run. */
  readonly since: string | null;
}

/** What one runtime knows of an agent that was started here. */
export type ManagedAgent = Omit<AgentRow, "status" | "in_hand" | "paused"> & {
  /** Whether it runs now. */
  readonly runs: boolean;
  /** Whether it runs, or is started again by who keeps it. */
  readonly isKept: boolean;
  /** Whether it was ready once. */
  readonly settled: boolean;
};

/** An agent that runs as a process. */
export function managedProcess(view: ProcessView): ManagedAgent | undefined {
  const { spec, status, identity, exit, restarts, startedAt } = view;
  if (spec.agent === undefined) return undefined;
  const { id, session, role, concurrency } = spec.agent;
  const runs = identity !== undefined;
  return {
    ...{ name: spec.name, id, session, role, runtime: "process", concurrency, restarts, runs },
    exit: runs ? null : exit ?? null,
    pid: identity?.pid ?? null,
    container: null,
    since: runs ? startedAt : null,
    isKept: status !== "exited",
    settled: status !== "starting",
  };
}

/** What relays have answered; undefined if they could not be asked. */
type Answered = Pick<RelayDirectory, "agents" | "complete"> | undefined;

/** What is known of one agent: that it was started here, that a relay has it, or both. */
export type KnownAgent =
  | {
    readonly managed: ManagedAgent;
    readonly connected?: DirectoryAgent;
    /** Whether it is known that it is not connected, if it is not. */
    readonly isKnown: boolean;
  }
  | { readonly managed?: undefined; readonly connected: DirectoryAgent };

/**
 * Puts together what is known.
 *
 * @param managed Those started here.
 * @param answered What the relays answered; undefined if they could not be asked.
 * @returns Sorted by session, role, and name or id.
 */
export function knownAgents(
  managed: readonly ManagedAgent[],
  answered: Answered,
): KnownAgent[] {
  const { agents: connected = [], complete: isKnown = false } = answered ?? {};
  // An id is unique in its session and role only.
  const elsewhere = new Map(
    connected.map((agent) => [`${agent.session_id} ${agent.role} ${agent.agent_id}`, agent]),
  );
  const known = managed.map((agent): KnownAgent => {
    const key = `${agent.session} ${agent.role} ${agent.id}`;
    const record = elsewhere.get(key);
    elsewhere.delete(key);
    return { managed: agent, connected: record, isKnown };
  });
  const rest = [...elsewhere.values()].map((connected): KnownAgent => ({ connected }));
  const keyed = [...known, ...rest].map((agent) => ({ agent, key: sortKey(agentRow(agent)) }));
  return keyed.sort((one, other) => one.key.localeCompare(other.key, "en", { numeric: true }))
    .map(({ agent }) => agent);
}

/** All of them, as rows. */
export function agentRows(managed: readonly ManagedAgent[], answered: Answered): AgentRow[] {
  return knownAgents(managed, answered).map(agentRow);
}

/** An agent, as a row. */
export function agentRow(known: KnownAgent): AgentRow {
  const { managed, connected } = known;
  if (managed !== undefined) {
    const { runs: _, settled: __, isKept: ___, ...agent } = managed;
    const status = statusOf(managed, connected, known.isKnown);
    const { in_hand = 0, paused = null } = connected ?? {};
    return { ...agent, status, in_hand, paused };
  }
  return {
    name: null,
    id: connected.agent_id,
    session: connected.session_id,
    role: connected.role,
    runtime: "external",
    status: "connected",
    exit: null,
    concurrency: connected.concurrency,
    in_hand: connected.in_hand,
    paused: connected.paused ?? null,
    pid: null,
    container: null,
    restarts: 0,
    since: connected.connected_at,
  };
}

function sortKey(row: AgentRow): string {
  return `${row.session} ${row.role} ${row.name ?? row.id}`;
}

function statusOf(
  { runs, settled }: Pick<ManagedAgent, "runs" | "settled">,
  record: DirectoryAgent | undefined,
  isKnown: boolean,
): AgentRow["status"] {
  // A relay may know one for a moment longer than it lives.
  if (!runs) return "exited";
  if (record !== undefined) return "connected";
  if (!settled) return "starting";
  return isKnown ? "disconnected" : "unknown";
}

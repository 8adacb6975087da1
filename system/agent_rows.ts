/**
 * The agents there are: those that were started here, whether they are connected or not, and those
 * that relays know from elsewhere.
 *
 * @module
 */
import type { DirectoryAgent } from "@ourocodus/bus";
import { type Exit, type ProcessView } from "./process_spec.ts";

/** An agent, as `agent list --json` prints it. */
export interface AgentRow {
  /** What it was called here; null for one that was started elsewhere. */
  readonly name: string | null;
  readonly id: string;
  readonly session: string;
  readonly role: string;
  readonly runtime: "process" | "docker" | "external";
  readonly status: "starting" | "connected" | "disconnected" | "exited";
  /** How it ended, if it has. */
  readonly exit: Exit | null;
  readonly concurrency: number;
  /** Pieces of work in its hands. */
  readonly in_hand: number;
  readonly pid: number | null;
  readonly container: string | null;
  readonly restarts: number;
  /** When it was started here, or connected from elsewhere, ISO 8601; null if it does not run. */
  readonly since: string | null;
}

/** What one runtime knows of an agent that was started here. */
export type ManagedAgent = Omit<AgentRow, "status" | "in_hand"> & {
  /** Whether it runs now. */
  readonly runs: boolean;
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
    settled: status !== "starting",
  };
}

/**
 * Puts together what is known.
 *
 * @param managed Those started here.
 * @param connected What the relays answered.
 * @returns Sorted by session, role, and name or id.
 */
export function agentRows(
  managed: readonly ManagedAgent[],
  connected: readonly DirectoryAgent[],
): AgentRow[] {
  const known = new Map(connected.map((agent) => [agent.agent_id, agent]));
  const here = managed.map(({ runs, settled, ...agent }): AgentRow => {
    const record = known.get(agent.id);
    known.delete(agent.id);
    return { ...agent, status: statusOf({ runs, settled }, record), in_hand: record?.in_hand ?? 0 };
  });
  const elsewhere = [...known.values()].map((agent): AgentRow => ({
    name: null,
    id: agent.agent_id,
    session: agent.session_id,
    role: agent.role,
    runtime: "external",
    status: "connected",
    exit: null,
    concurrency: agent.concurrency,
    in_hand: agent.in_hand,
    pid: null,
    container: null,
    restarts: 0,
    since: agent.connected_at,
  }));
  const key = (row: AgentRow) => `${row.session} ${row.role} ${row.name ?? row.id}`;
  return [...here, ...elsewhere].sort((one, other) =>
    key(one).localeCompare(key(other), "en", { numeric: true })
  );
}

function statusOf(
  { runs, settled }: Pick<ManagedAgent, "runs" | "settled">,
  record: DirectoryAgent | undefined,
): AgentRow["status"] {
  // A relay may know one for a moment longer than it lives.
  if (!runs) return "exited";
  if (record !== undefined) return "connected";
  return settled ? "disconnected" : "starting";
}

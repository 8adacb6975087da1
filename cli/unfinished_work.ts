/**
 * The unfinished work of agents that are stopped. The agents need not tell it themselves: relays are
 * asked for their running work before, and the log for its results.
 *
 * @module
 */
import { type Connection, lastLogSequence, readLog, readStored } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { type AgentWork, outcomeSubjects, WORK_STREAM } from "@ourocodus/protocol";
import type { ManagedAgent } from "@ourocodus/system";
import { harmless } from "./terminal_text.ts";

/** The running work of agents at one time. */
export interface RunningWork {
  /** By the agent's id. */
  readonly work: ReadonlyMap<string, readonly AgentWork[]>;
  /** The log's newest sequence, from before. */
  readonly logEnd: number;
}

/** Asks the relays for it. */
export async function runningWork(
  connection: Connection,
  agents: readonly ManagedAgent[],
  signal: AbortSignal,
): Promise<RunningWork> {
  const logEnd = await lastLogSequence(connection);
  const work = new Map<string, readonly AgentWork[]>();
  const groups = Map.groupBy(agents, ({ session, role }) => `${session} ${role}`);
  await Promise.all([...groups.values()].map(async (group) => {
    const [{ session, role } = { session: "", role: "" }] = group;
    const ids = new Set(group.map(({ id }) => id));
    const directory = await askRelays(connection, { session, role, work: true }, { signal });
    for (const agent of directory.agents) {
      if (ids.has(agent.agent_id)) work.set(agent.agent_id, agent.work ?? []);
    }
  }));
  return { work, logEnd };
}

/**
 * What of it an agent that has ended has not finished.
 *
 * @returns The work's ids, in the order of its sequences.
 */
export async function unfinishedWork(
  connection: Connection,
  { id, session, role }: ManagedAgent,
  { work, logEnd }: RunningWork,
): Promise<string[]> {
  const open = new Map(work.get(id)?.map((item) => [item.sequence, item.id]));
  if (open.size === 0) return [];
  const results = readLog(connection, outcomeSubjects(session, role), { fromSequence: logEnd + 1 });
  for await (const record of results) open.delete(record.work?.sequence ?? 0);
  // One whose result was recorded before the log's end was asked for has left the queue since.
  await Promise.all([...open.keys()].map(async (sequence) => {
    if (await readStored(connection, WORK_STREAM, sequence) === undefined) open.delete(sequence);
  }));
  return [...open].sort(([one], [other]) => one - other).map(([, id]) => id);
}

const SHOWN_IDS = 10;

/** Says of work, by its ids, that it was not finished. */
export function unfinishedText(ids: readonly string[]): string {
  const what = ids.length === 1
    ? "1 work item was not finished and is handed out again"
    : `${ids.length} work items were not finished and are handed out again`;
  const shown = ids.slice(0, SHOWN_IDS).map(harmless).join(", ");
  return `${what}: ${shown}${ids.length > SHOWN_IDS ? `, and ${ids.length - SHOWN_IDS} more` : ""}`;
}

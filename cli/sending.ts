/**
 * Where work is sent, and whether anybody is there to do it.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import { askRelays, type WorkTarget } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { paint } from "./terminal_text.ts";

/** Where work is sent, and whether its result is waited for. */
export interface Sending {
  readonly session: string;
  readonly role: string;
  /** How long to wait for a result, in milliseconds; undefined means not at all. */
  readonly waitMs?: number;
  readonly json: boolean;
}

/** How many relays have answered, and how many agents of one session and role they have. */
export interface ConnectedAgents {
  readonly relays: number;
  readonly agents: number;
  /** Whether no relay is there, as the server says. */
  readonly nobody: boolean;
}

/** How long relays may take to answer. One that needs longer is not counted. */
const ANSWER_MS = 5_000;

/** Asks the relays. */
export async function connectedAgents(
  connection: Connection,
  { session, role }: WorkTarget,
  signal: AbortSignal,
): Promise<ConnectedAgents> {
  const directory = await askRelays(connection, { session, role }, {
    timeoutMs: ANSWER_MS,
    stallMs: 50,
    signal,
  });
  const { relays, agents, nobody } = directory;
  return { relays: relays.length, agents: agents.length, nobody };
}

/** What stands in the way of work being done now; undefined if nothing does. */
export function nobodyThere(
  connected: ConnectedAgents,
  { session, role }: WorkTarget,
): string | undefined {
  if (connected.agents > 0) return undefined;
  if (connected.nobody) return "no relay is running";
  return connected.relays === 0
    ? `no relay has answered within ${ANSWER_MS / 1_000} s`
    : `no agent of role ${role} is connected to session ${session}`;
}

/** Tells it of work that was sent, on standard error. */
export async function tellNobodyThere(
  connected: ConnectedAgents,
  target: WorkTarget,
  { err }: Console,
): Promise<void> {
  const nobody = nobodyThere(connected, target);
  if (nobody === undefined) return;
  await err.write(`${paint(err.hasColor).yellow("!")} ${nobody}: the work waits for one\n`);
}

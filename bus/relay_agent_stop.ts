/**
 * The request `relays.agents.stop`: the relay that an agent is connected to gives it no more work,
 * waits for what it has in hand, and closes its socket for good.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import { askMany } from "./ask_many.ts";
import type { Connection } from "./connection.ts";
import { parseObject } from "./message.ts";
import { RELAYS_AGENTS_STOP_SUBJECT } from "./subjects.ts";

/** Which agent, and how. */
export interface AgentStop {
  readonly session_id: string;
  readonly role: string;
  readonly agent_id: string;
  /** Whether to close it at once; what it has in hand is handed out again. */
  readonly now?: boolean;
}

/** What a relay answers that has the agent. */
export interface AgentStopping {
  readonly relay_id: string;
  /** Pieces of work that it finishes before; 0 if it is stopped now. */
  readonly in_hand: number;
}

/** How long relays have to answer, in milliseconds. */
const TIMEOUT_MS = 1_000;

/**
 * Tells the relays.
 *
 * @returns What the relay said that has the agent; `undefined` if none has it.
 */
export async function stopConnectedAgent(
  connection: Connection,
  stop: AgentStop,
  options: { readonly timeoutMs?: number } = {},
): Promise<AgentStopping | undefined> {
  let stopping: AgentStopping | undefined;
  await askMany(connection, RELAYS_AGENTS_STOP_SUBJECT, [stop], {
    waitMs: options.timeoutMs ?? TIMEOUT_MS,
    onAnswer: (answer) => (stopping ??= parse(answer)) !== undefined,
  });
  return stopping;
}

/** The request as a relay receives it; `undefined` if it is none. */
export function parseAgentStop(text: string): AgentStop | undefined {
  const { session_id, role, agent_id, now } = parseObject(text) ?? {};
  const named = [session_id, role, agent_id].every((name) => typeof name === "string");
  return named
    ? {
      session_id: session_id as string,
      role: role as string,
      agent_id: agent_id as string,
      now: now === true,
    }
    : undefined;
}

function parse(message: Msg): AgentStopping | undefined {
  const { relay_id, in_hand } = parseObject(message.string()) ?? {};
  const whole = typeof relay_id === "string" && typeof in_hand === "number";
  return whole ? { relay_id, in_hand } : undefined;
}

/**
 * The request `relays.agents.stop`: the relay that an agent is connected to gives it no more work,
 * waits for its running work, and closes its socket for good.
 *
 * @module
 */
import { parseObject } from "./message.ts";

/** Which agent, and how. */
export interface AgentStop {
  readonly session_id: string;
  readonly role: string;
  readonly agent_id: string;
  /** Whether to close it at once; its running work is handed out again. */
  readonly now?: boolean;
}

/** What a relay answers that has the agent. */
export interface AgentStopping {
  readonly relay_id: string;
  /** Work items that it finishes before; 0 if it is stopped now. */
  readonly in_hand: number;
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

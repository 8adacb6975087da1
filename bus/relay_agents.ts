/**
 * The request `relays.agents`: every relay answers with the agents that are connected to it, in
 * as many pages as the server's payload limit asks for.
 *
 * The request's body is empty or JSON: `{"session"?: string, "role"?: string}`.
 *
 * @module
 */

/** What the request may ask for; a relay leaves out agents that don't match. */
export interface AgentsQuery {
  readonly session?: string;
  readonly role?: string;
}

/** One connected agent. */
export interface AgentRecord {
  readonly agent_id: string;
  readonly session_id: string;
  readonly role: string;
  readonly protocol: "plain" | "ourocodus.v1";
  /** As many pieces of work as it takes at once. */
  readonly concurrency: number;
  /** Pieces of work in its hands now. */
  readonly in_hand: number;
  /** When it connected, ISO 8601. */
  readonly connected_at: string;
}

/** One page of a relay's answer. */
export interface AgentsPage {
  readonly relay_id: string;
  readonly version: string;
  /** From 1. */
  readonly page: number;
  readonly pages: number;
  readonly agents: readonly AgentRecord[];
}

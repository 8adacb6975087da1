/**
 * The request `relays.agents`: every relay answers with the agents that are connected to it, in
 * as many pages as the server's payload limit asks for.
 *
 * The request's body is empty or JSON: `{"session"?: string, "role"?: string, "work"?: boolean}`.
 *
 * @module
 */

/** What the request may ask for; a relay leaves out agents that don't match. */
export interface AgentsQuery {
  readonly session?: string;
  readonly role?: string;
  /** Whether to list the work items that each agent has. */
  readonly work?: boolean;
}

/** A work item in an agent's hands. */
export interface AgentWork {
  /** Its sequence in the stream `OUROCODUS_WORK`. */
  readonly sequence: number;
  /** Its message's. */
  readonly id: string;
  readonly attempt: number;
  /** When it was handed to the relay, ISO 8601. */
  readonly since: string;
}

/** One connected agent. */
export interface AgentRecord {
  readonly agent_id: string;
  readonly session_id: string;
  readonly role: string;
  readonly protocol: "plain" | "ourocodus.v1";
  /** How many work items it takes at once. */
  readonly concurrency: number;
  /** Work items in its hands now. */
  readonly in_hand: number;
  /** When it connected, ISO 8601. */
  readonly connected_at: string;
  /** The work in its hands, if that was asked for. */
  readonly work?: readonly AgentWork[];
}

/** One page of a relay's answer. */
export interface AgentsPage {
  readonly relay_id: string;
  readonly version: string;
  /** Whether it stores outcomes on subjects of their own; relays of the versions before don't say so. */
  readonly fence?: boolean;
  /** Why the relay is unhealthy, if it is. */
  readonly reason?: string;
  /** From 1. */
  readonly page: number;
  readonly pages: number;
  readonly agents: readonly AgentRecord[];
}

/**
 * What relays are asked and told over NATS, and what they answer. Nobody has a list of relays, so a
 * request goes to all of them, and only those that it concerns answer.
 *
 * - `relays.agents`: each answers with the agents that are connected to it, in as many pages as the
 *   server's payload limit asks for. The request's body is empty or JSON:
 *   `{"session"?: string, "role"?: string, "work"?: boolean}`.
 * - `relays.agents.stop`: the relay that an agent is connected to gives it no more work, waits for its
 *   running work, and closes its socket for good.
 * - `relays.work.extend`: work gets more time; the relay whose agent has it gives it.
 * - `relays.work.cancel`: work was cancelled; the relay whose agent has it takes it away.
 *
 * @module
 */
import { parseObject } from "./message.ts";
import { MAX_WORK_LIMIT_MS } from "./work_limits.ts";

/** What `relays.agents` may ask for; a relay leaves out agents that don't match. */
export interface AgentsQuery {
  readonly session?: string;
  readonly role?: string;
  /** Whether to list the work items that each agent has. */
  readonly work?: boolean;
}

/** A work item that an agent runs. */
export interface AgentWork {
  /** Its sequence in the stream `OUROCODUS_WORK`. */
  readonly sequence: number;
  /** Its message's. */
  readonly id: string;
  readonly attempt: number;
  /** When it was handed to the relay, ISO 8601. */
  readonly since: string;
  /** Since when the agent has said nothing about it, ISO 8601, if that is for long. */
  readonly silent_since?: string;
}

/** Why an agent takes no work for now. */
export interface PausedAgent {
  /**
   * `failing`: its attempts end at once, and it is suspended; `limited`: its provider's limit is
   * reached. Later relays may know more.
   */
  readonly reason: string;
  /** For people. */
  readonly message: string;
  /** Until when, ISO 8601. */
  readonly until: string;
}

/** One connected agent. */
export interface AgentRecord {
  readonly agent_id: string;
  readonly session_id: string;
  readonly role: string;
  readonly protocol: "plain" | "ourocodus.v1";
  /** How many work items it takes at once. */
  readonly concurrency: number;
  /** How many work items it runs now. */
  readonly in_hand: number;
  /** When it connected, ISO 8601. */
  readonly connected_at: string;
  /** Whether it finishes what it has, and takes no more. */
  readonly draining?: boolean;
  /** Why it takes no work for now, if it does not. */
  readonly paused?: PausedAgent;
  /** Its running work, if that was asked for. */
  readonly work?: readonly AgentWork[];
}

/** One page of a relay's answer to `relays.agents`. */
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

/** Which agent is to stop, and how. */
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

/** `relays.agents.stop` as a relay receives it; `undefined` if it is none. */
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

/** What relays are told, on `relays.work.cancel`. */
export interface CancelNotice {
  /** The work's identity, see `Lease.work`. */
  readonly work: string;
  /** Its outcome is stored. The version before also told, with `begin`, that it was about to be. */
  readonly phase: "done";
}

/** Which work gets more time, on `relays.work.extend`. */
export interface ExtendRequest {
  /** The work's identity, see `Lease.work`. */
  readonly work: string;
  /** How much more, in milliseconds. */
  readonly ms: number;
}

/** What a relay answers whose agent has the work. */
export interface ExtendedWork {
  readonly relay_id: string;
  readonly agent_id: string;
  readonly attempt: number;
  /** When it has to be done now, ISO 8601; missing if it may take as long as it likes. */
  readonly deadline?: string;
}

/** `relays.work.extend` as a relay receives it; `undefined` if it is none. */
export function parseExtendRequest(text: string): ExtendRequest | undefined {
  const { work, ms } = parseObject(text) ?? {};
  const allowed = typeof ms === "number" && Number.isSafeInteger(ms) && ms >= 1 &&
    ms <= MAX_WORK_LIMIT_MS;
  return typeof work === "string" && allowed ? { work, ms } : undefined;
}

/** A relay's answer to that; `undefined` if it is none. */
export function parseExtendedWork(text: string): ExtendedWork | undefined {
  const { relay_id, agent_id, attempt, deadline } = parseObject(text) ?? {};
  if (
    typeof relay_id !== "string" || typeof agent_id !== "string" || typeof attempt !== "number"
  ) return undefined;
  return { relay_id, agent_id, attempt, ...(typeof deadline === "string" && { deadline }) };
}

/** Who had the work. */
export interface CancelledHolder {
  readonly relay_id: string;
  readonly agent_id: string;
  readonly attempt: number;
  /**
   * Whether the agent was told to stop. One that speaks the plain protocol cannot be told: it works
   * on, and its result is refused.
   */
  readonly told: boolean;
  /** Whether it has lost its socket; one that speaks `ourocodus.v1` is told when it comes back. */
  readonly away: boolean;
}

/** The notice as a relay receives it; `undefined` if it is none. */
export function parseCancelNotice(text: string): CancelNotice | undefined {
  const { work, phase } = parseObject(text) ?? {};
  if (typeof work !== "string" || phase !== "done") return undefined;
  return { work, phase };
}

/** What a relay answers that has the work; `undefined` if it is no such answer. */
export function parseHolder(text: string): CancelledHolder | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { relay_id, agent_id, attempt, told, away } = value;
  const whole = typeof relay_id === "string" && typeof agent_id === "string" &&
    typeof attempt === "number" && typeof told === "boolean" && typeof away === "boolean";
  return whole ? { relay_id, agent_id, attempt, told, away } : undefined;
}

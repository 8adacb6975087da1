/**
 * The wire format of the WebSocket subprotocol `ourocodus.v1`. PROTOCOL.md describes it with
 * examples; relay and agent both use this file.
 *
 * - A text frame holds one or more messages, separated by `\n`.
 * - The relay ends a work message with `"attempt": n, "lease": "…"`, spliced into its text.
 * - Types beginning with `relay.` or `agent.` belong to the protocol: they are never work or results.
 *
 * @module
 */

/** The WebSocket subprotocol that our SDK speaks. */
export const SUBPROTOCOL_V1 = "ourocodus.v1";

/** The most characters that a sender puts into one frame before it begins another. */
export const FRAME_CHARACTERS = 256 * 1024;

/** What the protocol's own types begin with: those that a relay sends, and those that an agent sends. */
export const RESERVED_PREFIXES = ["relay.", "agent."] as const;

/** Whether a type is the protocol's own, known or not; if so, it is no work and no result. */
export function isReservedType(type: string): boolean {
  // Asked for every message, so without a closure.
  return type.startsWith(RESERVED_PREFIXES[0]) || type.startsWith(RESERVED_PREFIXES[1]);
}

/**
 * What this version's relays can do, for `relay.welcome`: `confirm` sends `relay.stored`, `resume`
 * takes leases up again, `drain` lets an agent leave, `heartbeat` sends empty frames, `questions`
 * takes `agent.ask`.
 */
export const CAPABILITIES = ["confirm", "resume", "drain", "heartbeat", "questions"] as const;

/** Types that only a relay sends. */
export const RELAY_TYPE = {
  /** First thing on a connection: who the relay is and what it makes of the agent. */
  welcome: "relay.welcome",
  /** These leases, which the agent resumed, are its own again. */
  resumed: "relay.resumed",
  /** The lease is no longer the agent's: its work should stop, its result is refused. */
  cancel: "relay.cancel",
  /** The relay is going away: finish, or reconnect elsewhere. No more work comes. */
  drain: "relay.drain",
  /** What the agent sent was refused, and why. */
  error: "relay.error",
  /** These leases' results are stored; sent only to agents that asked with `confirm=true`. */
  stored: "relay.stored",
  /** The answer to a question of the agent. */
  answer: "relay.answer",
} as const;

/** What a relay says of what it refuses: all codes of `relay.error`, which PROTOCOL.md explains. */
export const RELAY_ERROR_CODES = [
  "invalid_message",
  "unknown_work",
  "reserved_type",
  "unknown_type",
  "id_mismatch",
  "foreign_lease",
  "lease_lost",
  "duplicate",
  "result_refused",
  "progress_too_large",
  "invalid_resume",
  "invalid_delay",
  "invalid_question",
] as const;

/** One of them. */
export type RelayErrorCode = typeof RELAY_ERROR_CODES[number];

/**
 * Types that an agent sends and a relay treats specially. Any other counts as a result, unless it is
 * reserved, see {@linkcode isReservedType}.
 */
export const AGENT_TYPE = {
  /** The work's result. */
  result: "result",
  /** The work failed for good; stored like a result. */
  error: "error",
  /** Release the work; `payload` says when to hand it out again, why, and whether it is charged. */
  retry: "retry",
  /** Goes to the session's events. */
  progress: "progress",
  /** `ourocodus.v1`, first thing on a connection: `payload.leases` is all that the agent still has. */
  resume: "resume",
  /** `ourocodus.v1`: the agent is going away; it finishes what it has and takes no more. */
  drain: "drain",
  /** `ourocodus.v1`: the agent asks something about its work, which waits for an answer. */
  ask: "agent.ask",
} as const;

/**
 * Those of {@linkcode AGENT_TYPE} that report something about running work, and change nothing. Each
 * becomes an event of the session, with the work item in it.
 */
export const REPORT_TYPES: readonly string[] = [AGENT_TYPE.progress];

/** The longest that a `retry` may put work off: 30 days, in milliseconds. */
export const MAX_RETRY_DELAY_MS = 30 * 86_400_000;

const LIMIT_KEY = /^[\x21-\x7e]{1,128}$/;
/** What is said of a text that is no key of a limit. */
export const LIMIT_KEY_RULE = "allowed are 1 to 128 printable characters of ASCII, no space";

/** Whether something is a key of a provider's limit: what agents share that pause together. */
export function isLimitKey(value: unknown): value is string {
  return typeof value === "string" && LIMIT_KEY.test(value);
}

/** `payload` of `relay.welcome`. */
export interface WelcomePayload {
  readonly relay_id: string;
  readonly version: string;
  readonly agent_id: string;
  readonly session_id: string;
  readonly role: string;
  /** How many work items the agent is given at once. */
  readonly concurrency: number;
  /** The largest message, in bytes of UTF-8, that the agent may send. */
  readonly max_message_bytes: number;
  /**
   * The relay sends something, if need be an empty frame, at least this often. An agent that hears
   * nothing for several times as long may take the connection for dead.
   */
  readonly heartbeat_seconds?: number;
  /** What the relay can do, see {@linkcode CAPABILITIES}; relays of before say nothing. */
  readonly capabilities?: readonly string[];
}

/** The most leases that one `resume` may name. */
export const MAX_RESUMED_LEASES = 4_096;

/** `payload` of `resume`, and of `relay.resumed`. */
export interface ResumePayload {
  readonly leases: readonly string[];
}

/** Why a lease is taken away. */
export type CancelReason =
  /** The work has an outcome. */
  | "answered"
  /** Its sender, or an operator, has cancelled it. */
  | "cancelled"
  /** Its deadline is over, or the attempt has taken too long. */
  | "deadline_exceeded"
  /** Its agent has said nothing about it for too long. */
  | "no_progress"
  /** The lease has run out, and the work is in another agent's hands. */
  | "lease_lost";

/** `payload` of `relay.cancel`. */
export interface CancelPayload {
  readonly lease: string;
  /** Machine-readable, a {@linkcode CancelReason}; later relays may know more. */
  readonly reason: string;
}

/** `payload` of `relay.drain`. */
export interface DrainPayload {
  /** How long the relay waits for running work, in seconds. */
  readonly seconds: number;
}

/** `payload` of `relay.error`. */
export interface RelayErrorPayload {
  readonly code: RelayErrorCode;
  /** What is wrong, with the value and the limit. */
  readonly message: string;
  /** The lease that the refused message named, if it did. */
  readonly lease?: string;
}

/** `payload` of `relay.stored`. */
export interface StoredPayload {
  readonly leases: readonly string[];
}

/**
 * Splits a frame into its messages' texts. Empty lines are passed over.
 *
 * @returns The texts in order, none if the frame is blank.
 */
export function splitFrame(frame: string): string[] {
  if (!frame.includes("\n")) return frame.trim() === "" ? [] : [frame];
  return frame.split("\n").filter((line) => line.trim() !== "");
}

/**
 * Makes a message's text fit for a frame of several: a line break can stand between JSON tokens
 * only (inside strings it is escaped), where a space means the same.
 */
export function singleLine(text: string): string {
  return text.includes("\n") ? text.replaceAll("\n", " ") : text;
}

/**
 * Adds the attempt's number and its lease at the end of a work message, without parsing it.
 *
 * @param text A JSON object with at least one field.
 * @param attempt From 1.
 * @param lease Opaque; no character in it needs escaping in JSON.
 * @returns One line. Where the text has these fields already, these come last and so win.
 */
export function spliceLease(text: string, attempt: number, lease: string): string {
  const line = singleLine(text);
  const end = line.lastIndexOf("}");
  return `${line.slice(0, end)},"attempt":${attempt},"lease":"${lease}"}`;
}

/**
 * Adds the lease at the end of an agent's message.
 *
 * @param text A JSON object with at least one field.
 */
export function appendLease(text: string, lease: string): string {
  const line = singleLine(text);
  return `${line.slice(0, line.lastIndexOf("}"))},"lease":"${lease}"}`;
}

/**
 * Joins messages' texts into as few frames as keep below {@linkcode FRAME_CHARACTERS}; a longer
 * message gets a frame of its own.
 */
export function joinFrames(lines: readonly string[]): string[] {
  if (lines.length === 1) return [...lines];
  const frames: string[] = [];
  let start = 0;
  let characters = 0;
  lines.forEach((line, index) => {
    if (index > start && characters + line.length > FRAME_CHARACTERS) {
      frames.push(lines.slice(start, index).join("\n"));
      start = index;
      characters = 0;
    }
    characters += line.length + 1;
  });
  if (start < lines.length) frames.push(lines.slice(start).join("\n"));
  return frames;
}

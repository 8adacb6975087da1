/**
 * Every code with which a relay closes an agent's WebSocket, in one table. From 4000 to 4499 the
 * agent may reconnect, from 4500 to 4999 it must not: the same would happen again. Codes under
 * 4000 are the WebSocket protocol's own (RFC 6455, section 7.4.1).
 *
 * @module
 */

/** One row of the table. */
export interface CloseCode {
  /** 1000 to 4999. */
  readonly code: number;
  /** Stable name. */
  readonly name: string;
  /** What it means. */
  readonly meaning: string;
}

/** The table, by name. */
export const CLOSE = {
  invalidFrame: {
    code: 1007,
    name: "invalid_frame",
    meaning: "a frame is not a message; its sender's work is handed out again",
  },
  frameTooLarge: {
    code: 1009,
    name: "frame_too_large",
    meaning: "a frame is larger than the relay takes",
  },
  draining: {
    code: 4000,
    name: "draining",
    meaning: "the relay is going away; connect again, to another relay",
  },
  slowReader: {
    code: 4001,
    name: "slow_reader",
    meaning: "the agent reads too slowly, too much is waiting for it",
  },
  overloaded: {
    code: 4002,
    name: "overloaded",
    meaning: "NATS is away and the relay holds as many results as it may; come back later",
  },
  tokenExpired: {
    code: 4003,
    name: "token_expired",
    meaning: "the agent's token has expired; connect again with another",
  },
  tooManyFrames: {
    code: 4004,
    name: "too_many_frames",
    meaning: "more frames came in a second than are taken",
  },
  silent: {
    code: 4008,
    name: "silent",
    meaning: "sent by an agent: nothing has come from the relay for too long",
  },
  noProgress: {
    code: 4009,
    name: "no_progress",
    meaning: "the agent has said nothing about its work for too long",
  },
  replaced: {
    code: 4500,
    name: "replaced",
    meaning: "the same agent_id connected again; the newer socket stays",
  },
  stopped: {
    code: 4501,
    name: "stopped",
    meaning: "an operator stopped this agent",
  },
} as const satisfies Record<string, CloseCode>;

/** The most bytes of UTF-8 that a close reason may have (RFC 6455, section 5.5). */
export const MAX_REASON_BYTES = 123;

/**
 * Whether an agent may connect again after its socket was closed with this code.
 *
 * @param code The close event's code. Codes of the protocol itself, such as 1006 (the connection
 * broke), allow it; 1007 and 1009 do too, since what was wrong was a single frame.
 */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}

/**
 * Cuts a close reason to 123 bytes of UTF-8, between characters.
 *
 * @returns The reason itself if it fits.
 */
export function closeReason(reason: string): string {
  const bytes = new TextEncoder().encode(reason);
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  const cut = bytes.subarray(0, MAX_REASON_BYTES - 3);
  // A character cut in half decodes to U+FFFD, which is left out.
  return `${new TextDecoder().decode(cut).replace(/\uFFFD+$/, "")}…`;
}

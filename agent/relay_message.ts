/**
 * What a relay says, parsed once: behind this file, types are trusted.
 *
 * @module
 */
import {
  type AnswerPayload,
  type CancelPayload,
  describe,
  type DrainPayload,
  isObject,
  type Message,
  parseLease,
  parseMessage,
  RELAY_TYPE,
  type RelayErrorPayload,
} from "@ourocodus/protocol";
import type { LeasedWork } from "./work.ts";

/** Of `relay.welcome`, what the agent uses. */
export interface Welcome {
  readonly relayId: string;
  readonly version: string;
  /** The largest message that the agent may send, in bytes of UTF-8. */
  readonly maxMessageBytes: number;
  /** The relay promises to send something, if only an empty frame, at least this often. */
  readonly heartbeatMs?: number;
}

/** What a relay has refused; one that is newer may have codes of its own. */
export type Refused = Omit<RelayErrorPayload, "code"> & { readonly code: string };

/** One line from a relay. */
export type RelayMessage =
  | { readonly kind: "work"; readonly work: LeasedWork }
  | { readonly kind: "welcome"; readonly welcome: Welcome }
  | { readonly kind: "answer"; readonly answer: AnswerPayload }
  | { readonly kind: "cancel"; readonly cancel: CancelPayload }
  | { readonly kind: "drain"; readonly drain: DrainPayload }
  | { readonly kind: "error"; readonly error: Refused }
  | { readonly kind: "stored" | "resumed"; readonly leases: readonly string[] }
  /** Not to be understood, or from a newer relay; passed over. */
  | { readonly kind: "invalid"; readonly reason: string };

// Leases stand unescaped in what the agent sends; a relay makes them of such characters only.
const LEASE = /^[\x21\x23-\x5b\x5d-\x7e]{1,1024}$/;

/**
 * Parses one line.
 *
 * @returns What it says; `invalid` with what is wrong if it cannot be understood. Never throws.
 */
export function parseRelayMessage(line: string): RelayMessage {
  const parsed = parseMessage(line);
  if (parsed.kind === "invalid") return parsed;
  const { message } = parsed;
  switch (message.type) {
    case RELAY_TYPE.welcome:
      return welcomeOf(message);
    case RELAY_TYPE.answer:
      return answerOf(message);
    case RELAY_TYPE.cancel:
      return cancelOf(message);
    case RELAY_TYPE.drain:
      return drainOf(message);
    case RELAY_TYPE.error:
      return errorOf(message);
    case RELAY_TYPE.stored:
      return leasesOf(message, "stored");
    case RELAY_TYPE.resumed:
      return leasesOf(message, "resumed");
    default:
      if (message.type.startsWith("relay.")) return invalid(message, "is of no known type");
      return workOf(message);
  }
}

function workOf(message: Message): RelayMessage {
  const { id, type, payload, lease, attempt } = message;
  if (typeof lease !== "string" || !LEASE.test(lease)) {
    return invalid(message, `needs a lease, got ${shown(lease)}`);
  }
  if (!Number.isSafeInteger(attempt) || (attempt as number) < 1) {
    return invalid(message, `needs an attempt of 1 or more, got ${shown(attempt)}`);
  }
  const known = parseLease(lease);
  const work = {
    id,
    type,
    payload,
    attempt: attempt as number,
    sequence: known?.sequence ?? 0,
    key: known?.work ?? lease,
    message,
  };
  return { kind: "work", work: { work, lease } };
}

function welcomeOf(message: Message): RelayMessage {
  const { relay_id, version, max_message_bytes, heartbeat_seconds } = message.payload;
  if (typeof max_message_bytes !== "number" || !(max_message_bytes > 0)) {
    return invalid(message, `needs max_message_bytes, got ${shown(max_message_bytes)}`);
  }
  const heartbeats = typeof heartbeat_seconds === "number" && heartbeat_seconds > 0;
  const welcome = {
    relayId: String(relay_id ?? ""),
    version: String(version ?? ""),
    maxMessageBytes: max_message_bytes,
    ...(heartbeats && { heartbeatMs: heartbeat_seconds * 1_000 }),
  };
  return { kind: "welcome", welcome };
}

function answerOf(message: Message): RelayMessage {
  const { lease, key, answer, by } = message.payload;
  if (typeof lease !== "string") return invalid(message, `needs a lease, got ${shown(lease)}`);
  if (typeof key !== "string") return invalid(message, `needs a key, got ${shown(key)}`);
  return {
    kind: "answer",
    answer: {
      ...{ lease, key },
      ...(typeof answer === "string" && { answer }),
      ...(typeof by === "string" && { by }),
    },
  };
}

function cancelOf(message: Message): RelayMessage {
  const { lease, reason } = message.payload;
  if (typeof lease !== "string") return invalid(message, `needs a lease, got ${shown(lease)}`);
  return { kind: "cancel", cancel: { lease, reason: String(reason ?? "cancelled") } };
}

function drainOf(message: Message): RelayMessage {
  const { seconds } = message.payload;
  return { kind: "drain", drain: { seconds: typeof seconds === "number" ? seconds : 0 } };
}

function errorOf(message: Message): RelayMessage {
  const { code, message: text, lease } = message.payload;
  const error = { code: String(code ?? "unknown"), message: String(text ?? "") };
  return { kind: "error", error: typeof lease === "string" ? { ...error, lease } : error };
}

function leasesOf(message: Message, kind: "stored" | "resumed"): RelayMessage {
  const { leases } = message.payload;
  if (!Array.isArray(leases)) return invalid(message, `needs leases, got ${describe(leases)}`);
  return { kind, leases: leases.filter((lease) => typeof lease === "string") };
}

function invalid(message: Message, what: string): RelayMessage {
  return { kind: "invalid", reason: `message of type ${JSON.stringify(message.type)} ${what}` };
}

function shown(value: unknown): string {
  if (value === undefined) return "nothing";
  return isObject(value) || Array.isArray(value) ? describe(value) : JSON.stringify(value);
}

/**
 * One message of the log, and what its delivery and its headers say of it.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import { parseSubject, workPlace } from "@ourocodus/protocol";
import { MessageHeaders } from "../nats_js/message_headers.ts";
import { nanoseconds } from "../stored_message.ts";
import { identifiedWork, workIdentity } from "./identity.ts";

/** One message of the log. */
export interface LogRecord {
  /** Its sequence in the log: where to go on reading, see `fromSequence`. */
  readonly sequence: number;
  /** When it was stored. */
  readonly time: Date;
  readonly subject: string;
  readonly kind: "results" | "events" | "dead" | "stored";
  readonly session: string;
  /** Events have none. */
  readonly role?: string;
  /** What was published, usually a message. */
  readonly text: string;
  /** Its `Nats-Msg-Id`. */
  readonly messageId?: string;
  /** The work item that a result, a dead letter or a copy belongs to. */
  readonly work?: WorkPlace;
  /** A header's value; of several the first. */
  header(name: string): string | undefined;
  /** How many more messages were there when this one was handed out. */
  readonly pending: number;
}

/** What tells a work item from all others. */
export interface WorkPlace {
  /** Its sequence in the stream `OUROCODUS_WORK`. */
  readonly sequence: number;
  /** When it was stored there. */
  readonly storedAt: Date;
  /** `{sequence}.{time}`, the time in nanoseconds. */
  readonly identity: string;
}

/** Where a delivered message lies in the log. */
export interface Place {
  readonly sequence: number;
  /** Its number among what the consumer delivered, from 1. */
  readonly delivery: number;
  readonly timeMs: number;
  readonly pending: number;
}

const DIGITS = /^\d{1,19}$/;

/** Takes apart the reply subject of a delivered message, see `protocol/lease.ts`. */
export function parsePlace(reply: string | undefined): Place | undefined {
  if (!reply?.startsWith("$JS.ACK.")) return undefined;
  const tokens = reply.split(".");
  const at = tokens.length === 9 ? 5 : 7;
  const [sequence, delivery, time = "", pending] = tokens.slice(at, at + 4);
  if (![sequence, delivery, time, pending].every((token) => DIGITS.test(token ?? ""))) {
    return undefined;
  }
  return {
    sequence: Number(sequence),
    delivery: Number(delivery),
    timeMs: Number(time.slice(0, -6)),
    pending: Number(pending),
  };
}

/** Undefined for a subject that has a malformed name in it: nothing of ours is stored there. */
export function toRecord(message: Msg, place: Place): LogRecord | undefined {
  const parsed = parseSubject(message.subject);
  if (parsed === undefined) return undefined;
  const { kind, session } = parsed;
  if (kind === "work") return undefined;
  const headers = new MessageHeaders(message);
  const header = (name: string) => headers.first(name);
  const messageId = header("Nats-Msg-Id");
  const outcomeOf = kind === "events" ? undefined : parsed.work;
  const work = outcomeOf === undefined ? workOf(kind, headers) : placeOf(outcomeOf);
  return {
    sequence: place.sequence,
    time: new Date(place.timeMs),
    subject: message.subject,
    kind,
    session,
    ...(kind !== "events" && { role: parsed.role }),
    text: message.string(),
    ...(messageId !== undefined && { messageId }),
    ...(work !== undefined && { work }),
    header,
    pending: place.pending,
  };
}

function workOf(kind: LogRecord["kind"], headers: MessageHeaders): WorkPlace | undefined {
  switch (kind) {
    case "events":
      return undefined;
    case "stored": {
      // Of the copy's original, see NATS' ADR-28: what the server has added.
      const sequence = Number(headers.last("Nats-Sequence"));
      const timeNs = nanoseconds(headers.last("Nats-Time-Stamp") ?? "");
      return placeOf(workIdentity({ sequence, timeNs }));
    }
    // An outcome of a version before.
    case "results":
    case "dead":
      return placeOf(identifiedWork(headers.first("Nats-Msg-Id") ?? ""));
  }
}

function placeOf(identity: string): WorkPlace | undefined {
  const place = workPlace(identity);
  return place && { ...place, identity };
}

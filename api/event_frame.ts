/**
 * Records of the log as server-sent events (WHATWG HTML, section 9.2), each encoded once for all
 * clients.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { logLine } from "@ourocodus/ops";
import { isObject, type Message } from "@ourocodus/protocol";

/** What `?include=` calls the kinds of records; events are always there. */
export type EventKind = "events" | "work" | "results" | "dead";

/** A record, ready to be sent, and what filters go by. */
export interface EventFrame {
  /** Its sequence in the log. */
  readonly sequence: number;
  readonly kind: EventKind;
  readonly session: string;
  /** The roles that it is about; events may have several, or none. */
  readonly roles: readonly string[];
  /** The message's type; undefined of what is no message. */
  readonly type: string | undefined;
  readonly bytes: Uint8Array;
}

const UTF8 = new TextEncoder();
const KIND = { events: "events", results: "results", dead: "dead", stored: "work" } as const;

/** Makes the event of a record: its id is the sequence, its data one line of JSON. */
export function eventFrame(record: LogRecord): EventFrame {
  const { json, message } = logLine(record);
  return {
    sequence: record.sequence,
    kind: KIND[record.kind],
    session: record.session,
    roles: record.role === undefined ? rolesOf(message) : [record.role],
    type: message?.type,
    bytes: UTF8.encode(`id: ${record.sequence}\ndata: ${json}\n\n`),
  };
}

/** An event with a name and without an id: it is about the stream, not of it. */
export function noticeFrame(name: string, data: object): Uint8Array {
  return UTF8.encode(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}

/** A line that clients pass over. */
export function commentFrame(text: string): Uint8Array {
  return UTF8.encode(`: ${text}\n\n`);
}

/** What a stream begins with: how long to wait before coming back, in milliseconds. */
export function openingFrame(retryMs: number): Uint8Array {
  return UTF8.encode(`retry: ${retryMs}\n\n`);
}

/** The roles that an event names, in its list of work, or for itself. */
function rolesOf(message: Message | undefined): string[] {
  if (message === undefined) return [];
  const { payload } = message;
  const own = (message as { readonly work?: unknown }).work;
  const listed = Array.isArray(payload.work) ? payload.work : [];
  const named = [payload, own, ...listed].flatMap((item) =>
    isObject(item) && typeof item.role === "string" ? [item.role] : []
  );
  return [...new Set(named)];
}

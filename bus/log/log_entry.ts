/**
 * Something to be stored in the log, and what a writer keeps of it until it is settled.
 *
 * What is kept are instances of classes: V8 makes what an object literal makes in the old space once
 * enough of it has grown old, as while thousands of agents connect at once, and goes on doing so when
 * it dies young again. ARCHITECTURE.md says what that costs.
 *
 * @module
 */
import { byteLength } from "@ourocodus/protocol";
import type { AcceptedOutcome } from "./outcome_lookup.ts";

/** How an entry was settled. */
export type Stored =
  /** It is in the log. */
  | { readonly kind: "stored" }
  /** Another message was there first; this one is not in the log. */
  | { readonly kind: "duplicate"; readonly accepted?: AcceptedOutcome }
  /** It can never be stored; says why. */
  | { readonly kind: "refused"; readonly reason: string };

/** Something to store. */
export interface LogEntry {
  readonly subject: string;
  /** Text, which costs less; or bytes, if they may be no text. */
  readonly data: string | Uint8Array;
  /** Its `Nats-Msg-Id`, by which the stream recognises what is sent again; no line breaks. */
  readonly id: string;
  /** Further headers; neither names nor values may contain line breaks. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the stream must refuse it if its subject has a message already: an outcome. */
  readonly fenced?: boolean;
  /** Called once. */
  readonly onSettled?: (stored: Stored) => void;
}

/** What makes the stream refuse a second message of a subject. */
export const FENCE = { "Nats-Expected-Last-Subject-Sequence": "0" } as const;

const FENCE_LINE = headerLines(FENCE);
const UTF8 = new TextEncoder();

/** An entry that is not settled. */
export class HeldEntry {
  readonly subject: string;
  readonly data: string | Uint8Array;
  readonly onSettled: ((stored: Stored) => void) | undefined;
  readonly dataBytes: number;
  readonly #id: string;
  /** The headers' whole text: `NATS/1.0`, a line for each, an empty line (NATS' ADR-4). */
  headers: string;
  headerBytes: number;
  /** How often it was published. */
  sends = 0;
  /** When it was published last, by `performance.now`. */
  sentAt = 0;
  /** What it was published together with, last. */
  batch: Batch | undefined;

  constructor(entry: LogEntry) {
    const { subject, data, id, onSettled } = entry;
    this.subject = subject;
    this.data = data;
    this.onSettled = onSettled;
    this.#id = id;
    this.headers = formatHeaders(entry);
    this.dataBytes = typeof data === "string" ? byteLength(data) : data.length;
    this.headerBytes = byteLength(this.headers);
  }

  /** As NATS counts it: headers are a part of the message. */
  get bytes(): number {
    return this.headerBytes + this.dataBytes;
  }

  /** Leaves its `Nats-Msg-Id` out, which somebody's work has taken. */
  dropId(): void {
    this.headers = this.headers.replace(idLine(this.#id), "");
    this.headerBytes = byteLength(this.headers);
  }

  /** Whether these bytes are its data. */
  hasData(bytes: Uint8Array): boolean {
    const { data } = this;
    const own = typeof data === "string" ? UTF8.encode(data) : data;
    return own.length === bytes.length && own.every((byte, index) => byte === bytes[index]);
  }
}

/** Entries that were published together and are settled together, so that the next turn is as large. */
export class Batch {
  /** Those whose acknowledgement, or failure, is still to come. */
  #open = 0;
  readonly #stored: HeldEntry[] = [];

  get size(): number {
    return this.#open + this.#stored.length;
  }

  add(held: HeldEntry): void {
    held.batch = this;
    this.#open++;
  }

  /** One of them has an answer, or none is awaited any more. @returns What is stored, with the last. */
  close(held: HeldEntry, isStored: boolean): readonly HeldEntry[] {
    held.batch = undefined;
    if (isStored) this.#stored.push(held);
    return --this.#open === 0 ? this.#stored : [];
  }
}

function formatHeaders({ id, headers, fenced }: LogEntry): string {
  const more = headers === undefined ? "" : headerLines(headers);
  return `NATS/1.0\r\n${idLine(id)}${fenced ? FENCE_LINE : ""}${more}\r\n`;
}

function idLine(id: string): string {
  return headerLine("Nats-Msg-Id", id);
}

function headerLines(headers: Readonly<Record<string, string>>): string {
  let text = "";
  for (const [name, value] of Object.entries(headers)) text += headerLine(name, value);
  return text;
}

function headerLine(name: string, value: string): string {
  return `${name}: ${value}\r\n`;
}

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
import { markedIdentity } from "./identity.ts";
import type { AcceptedOutcome } from "./outcome_lookup.ts";

/** How an entry was settled. */
export type Stored =
  /** It is in the log. */
  | { readonly kind: "stored" }
  /** Another message with the same identity was there first; this one is not in the log. */
  | { readonly kind: "duplicate"; readonly accepted?: AcceptedOutcome }
  /** It can never be stored; says why. */
  | { readonly kind: "refused"; readonly reason: string };

/** Something to store. */
export interface LogEntry {
  readonly subject: string;
  /** Text, which costs less; or bytes, if they may be no text. */
  readonly data: string | Uint8Array;
  /** Its identity (`Nats-Msg-Id`), in which a second one is recognised; no line breaks. */
  readonly id: string;
  /** Further headers; neither names nor values may contain line breaks. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether another message with the same identity may be there already; asks for certainty. */
  readonly suspect?: boolean;
  /** Called once. */
  readonly onSettled?: (stored: Stored) => void;
}

const UTF8 = new TextEncoder();

/** An entry that is not settled. */
export class HeldEntry {
  readonly subject: string;
  readonly data: string | Uint8Array;
  readonly suspect: boolean;
  readonly onSettled: ((stored: Stored) => void) | undefined;
  readonly dataBytes: number;
  /** As NATS counts it: headers are a part of the message. */
  bytes: number;
  #id: string;
  /** The headers' whole text: `NATS/1.0`, a line for each, an empty line (NATS' ADR-4). */
  #headers: string;
  /** Since when it is held, in milliseconds by `performance.now`; 0 before it was first sent. */
  heldAt: number;
  /** Sent before, so a message of this identity in the log may be this very one. */
  sent = false;

  constructor(entry: LogEntry, heldAt: number) {
    const { subject, data, id, suspect = false, onSettled } = entry;
    this.subject = subject;
    this.data = data;
    this.#id = id;
    this.suspect = suspect;
    this.onSettled = onSettled;
    this.#headers = formatHeaders(entry);
    this.dataBytes = typeof data === "string" ? byteLength(data) : data.length;
    this.bytes = byteLength(this.#headers) + this.dataBytes;
    this.heldAt = heldAt;
  }

  /** Its identity. */
  get id(): string {
    return this.#id;
  }

  /** Its headers, as they are published. */
  get headers(): string {
    return this.#headers;
  }

  /** Marks its identity, which a message that is none of its kind has taken. */
  mark(): void {
    const marked = markedIdentity(this.#id);
    this.#headers = this.#headers.replace(idLine(this.#id), idLine(marked));
    this.bytes += marked.length - this.#id.length;
    this.#id = marked;
  }

  /** Whether these bytes are its data. */
  hasData(bytes: Uint8Array): boolean {
    const { data } = this;
    const own = typeof data === "string" ? UTF8.encode(data) : data;
    return own.length === bytes.length && own.every((byte, index) => byte === bytes[index]);
  }
}

/** Entries that were published together. */
export class HeldBatch {
  readonly held: readonly HeldEntry[];
  readonly sentAt: number;
  /** As many publishes had been denied when it was sent. */
  readonly denials: number;
  /** Whether it is a single entry that could not be published together with others. */
  readonly apart: boolean;
  /** What they are together. */
  readonly bytes: number;
  /** Where the largest one is among them. */
  readonly largest: number;
  /** As many acknowledgements are still to come, of those that {@linkcode asks} for one. */
  #awaited: number;
  /** The lowest and the highest sequence of those that have come. */
  #lowest = Infinity;
  #highest = -Infinity;

  constructor(
    held: readonly HeldEntry[],
    sent: Pick<HeldBatch, "sentAt" | "denials" | "apart">,
  ) {
    this.held = held;
    this.sentAt = sent.sentAt;
    this.denials = sent.denials;
    this.apart = sent.apart;
    this.bytes = held.reduce((sum, { bytes }) => sum + bytes, 0);
    this.largest = indexOfLargest(held);
    this.#awaited = held.filter((_, index) => this.asks(index)).length;
  }

  /** One is stored, at this sequence. @returns How many acknowledgements are still to come. */
  acknowledged(sequence: number): number {
    this.#lowest = Math.min(this.#lowest, sequence);
    this.#highest = Math.max(this.#highest, sequence);
    return --this.#awaited;
  }

  /** Whether there is room in the stream, between the first one and the last, for all others. */
  get mayBeWhole(): boolean {
    return this.#highest - this.#lowest >= this.held.length - 1;
  }

  /** Whether the one at this place asks for an acknowledgement: the first, the largest, the last. */
  asks(index: number): boolean {
    return index === 0 || index === this.largest || index === this.held.length - 1;
  }
}

function formatHeaders({ id, headers }: LogEntry): string {
  let text = `NATS/1.0\r\n${idLine(id)}`;
  if (headers !== undefined) {
    for (const [name, value] of Object.entries(headers)) text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

function idLine(id: string): string {
  return `Nats-Msg-Id: ${id}\r\n`;
}

function indexOfLargest(held: readonly HeldEntry[]): number {
  let found = 0;
  let largest = -1;
  held.forEach(({ bytes }, index) => {
    if (bytes < largest) return;
    found = index;
    largest = bytes;
  });
  return found;
}

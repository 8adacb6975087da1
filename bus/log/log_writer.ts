/**
 * Stores outcomes, events and dead letters in the log. All that one turn of the event loop brings is
 * published together, in order; each message is acknowledged by itself.
 *
 * Invariants:
 * 1. An entry is settled once: stored, a duplicate, or refused for good. Until then it is held in memory,
 *    and published again after a lost connection or `ACK_TIMEOUT_MS` without an acknowledgement.
 * 2. A second outcome of a work item is refused by the stream itself, however late it comes: an outcome's
 *    subject is its own, and its publish expects that nothing is stored there. Whether the one that is
 *    stored is ours, published before, is decided by comparing.
 * 3. Other entries that are published again are recognised by their `Nats-Msg-Id`, for two minutes.
 * 4. No more than `MAX_ENTRIES` and `MAX_BYTES` are published and not acknowledged: a server has a limit
 *    for all publishers together, and refuses what is beyond.
 *
 * @module
 */
import type { Msg, Subscription } from "@nats-io/nats-core";
import { LOG_STREAM, messageOf } from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { Connection } from "../connection.ts";
import { Publications } from "../publications.ts";
import { isFencedOff, isStoredInLog, parsePublishAck, type PublishAck } from "../publish_ack.ts";
import { readStored, readSurelyLastOf } from "../stored_message.ts";
import { TurnoverMap } from "../turnover_map.ts";
import { Batch, HeldEntry, type LogEntry, type Stored } from "./log_entry.ts";
import { acceptedOutcome } from "./outcome_lookup.ts";

/** Settings of a {@linkcode LogWriter}. */
export interface LogWriterOptions {
  /** Told when something cannot be stored for now, once a second at most; it is tried again. */
  readonly onProblem?: (reason: string) => void;
}

const STORED: Stored = { kind: "stored" };
const ACK_TIMEOUT_MS = 5_000;
/** JetStream's error code for what trying again cannot help: it is too large for the stream. */
const MESSAGE_TOO_LARGE = 10054;
const SWEEP_MS = 1_000;
const MAX_ENTRIES = 4_096;
const MAX_BYTES = 16 * 2 ** 20;
/** How many are settled together, at most. */
const MAX_TOGETHER = 256;
/** How many stored messages are read at once, to compare them. */
const MAX_COMPARED = 64;
const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;

/** Writes to `OUROCODUS_LOG`. */
export class LogWriter {
  readonly #connection: Connection;
  readonly #options: LogWriterOptions;
  readonly #publications: Publications;
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #unlisten: () => void;
  readonly #sweep: ReturnType<typeof setInterval>;
  readonly #idle = new Set<() => void>();
  readonly #comparing = pLimit(MAX_COMPARED);
  /** What is published and not yet acknowledged, by the last token of its reply subject. */
  readonly #flight = new TurnoverMap<number, HeldEntry>();
  #flightBytes = 0;
  #queue: HeldEntry[] = [];
  #later: HeldEntry[] = [];
  #nextNumber = 1;
  #entries = 0;
  #bytes = 0;
  #closed = false;
  #toldAt = -Infinity;
  /** Why something could not be stored, until something is again. */
  #trouble: string | undefined;
  #retryMs = FIRST_RETRY_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #scheduled: ReturnType<typeof setImmediate> | undefined;

  constructor(connection: Connection, options: LogWriterOptions = {}) {
    this.#connection = connection;
    this.#inbox = connection.createInbox();
    this.#options = options;
    this.#publications = new Publications(connection);
    this.#acks = connection.subscribe(`${this.#inbox}.*`, (error, msg) => {
      if (!error) this.#acknowledged(msg);
    });
    this.#unlisten = connection.listen({
      onLost: () => void this.#takeBack(Infinity),
      onRestored: () => this.flush(),
    });
    this.#sweep = setInterval(() => {
      if (!this.#takeBack(performance.now() - ACK_TIMEOUT_MS)) return;
      this.#problem(
        `no acknowledgement within ${ACK_TIMEOUT_MS} ms. nats-server's log may say why; if its ` +
          "disk was full, it may have to be restarted to store anything",
      );
      this.flush();
    }, SWEEP_MS);
  }

  /** Bytes of entries that are not settled yet. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Why nothing can be stored for now, as far as is known; undefined if nothing is held. */
  get trouble(): string | undefined {
    return this.#entries > 0 ? this.#trouble : undefined;
  }

  /** Stores an entry with what else this turn of the event loop brings. */
  append(entry: LogEntry): void {
    if (this.#closed) return;
    const held = new HeldEntry(entry);
    this.#entries++;
    this.#bytes += held.dataBytes;
    this.#queue.push(held);
    this.#scheduled ??= setImmediate(() => this.flush());
  }

  /** Like {@linkcode append}, and resolves once the entry is settled. Never rejects. */
  store(entry: Omit<LogEntry, "onSettled">): Promise<Stored> {
    return new Promise((resolve) => this.append({ ...entry, onSettled: resolve }));
  }

  /** Publishes what has been appended, at once. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#closed || !this.#connection.connected || this.#queue.length === 0) return;
    const now = performance.now();
    let batch = new Batch();
    let count = 0;
    for (; count < this.#queue.length; count++) {
      const held = this.#queue[count];
      if (held === undefined || !this.#hasRoom(held)) break;
      if (batch.size === MAX_TOGETHER) batch = new Batch();
      this.#publish(held, batch, now);
    }
    if (count === this.#queue.length) this.#queue.length = 0;
    else this.#queue.splice(0, count);
    this.#publications.send();
  }

  /** Resolves once nothing is held any more. */
  async idle(): Promise<void> {
    if (this.#entries > 0) await new Promise<void>((resolve) => this.#idle.add(resolve));
  }

  /** Stops. What is held, and what is appended from here on, is dropped; see {@linkcode idle}. */
  close(): void {
    this.#closed = true;
    this.#unlisten();
    clearInterval(this.#sweep);
    clearTimeout(this.#retry);
    clearImmediate(this.#scheduled);
    this.#acks.unsubscribe();
  }

  /** One always has, however large. */
  #hasRoom({ bytes }: HeldEntry): boolean {
    if (this.#flight.size === 0) return true;
    return this.#flight.size < MAX_ENTRIES && this.#flightBytes + bytes <= MAX_BYTES;
  }

  #publish(held: HeldEntry, batch: Batch, now: number): void {
    const limit = this.#connection.maxPayloadBytes;
    const { subject, data, headers, headerBytes, dataBytes, bytes } = held;
    if (bytes > limit) {
      const reason = `message is ${bytes} bytes, limit is ${limit}`;
      return this.#settle(held, { kind: "refused", reason });
    }
    const number = this.#nextNumber++;
    held.sends++;
    held.sentAt = now;
    batch.add(held);
    this.#flight.set(number, held);
    this.#flightBytes += bytes;
    const reply = `${this.#inbox}.${number}`;
    this.#publications.add(subject, data, { reply, headers, headerBytes, dataBytes });
  }

  #acknowledged(msg: Msg): void {
    const number = Number(msg.subject.slice(this.#inbox.length + 1));
    const held = this.#flight.get(number);
    if (held === undefined) return;
    if (isStoredInLog(msg)) {
      this.#leave(number, held, true);
    } else {
      const ack = parsePublishAck(msg);
      // If JetStream's own does not come, it is sent again.
      if (isForeign(ack)) return;
      const isStored = ack.kind === "stored" && !ack.duplicate;
      this.#leave(number, held, isStored);
      if (!isStored) this.#notStored(held, ack);
    }
    const isLow = this.#flight.size <= MAX_ENTRIES / 2 && this.#flightBytes <= MAX_BYTES / 2;
    // What is appended in this turn is for its end, with all that it brings.
    if (isLow && this.#scheduled === undefined) this.flush();
  }

  /** An entry is in flight no longer. */
  #leave(number: number, held: HeldEntry, isStored: boolean): void {
    this.#flight.delete(number);
    this.#flightBytes -= held.bytes;
    const stored = held.batch?.close(held, isStored) ?? [];
    if (this.#closed || stored.length === 0) return;
    this.#retryMs = FIRST_RETRY_MS;
    for (const one of stored) this.#settle(one, STORED);
  }

  #notStored(held: HeldEntry, ack: PublishAck): void {
    if (ack.kind === "stored") {
      return this.#compare(() => this.#compareId(held, ack.sequence), held);
    }
    if (isFencedOff(ack)) return this.#compare(() => this.#compareOutcome(held), held);
    if (ack.kind === "refused" && ack.errorCode === MESSAGE_TOO_LARGE) {
      return this.#settle(held, { kind: "refused", reason: ack.reason });
    }
    this.#tryLater(held, ack.kind === "refused" ? ack.reason : "no stream takes it");
  }

  #compare(compare: () => Promise<void>, held: HeldEntry): void {
    void this.#comparing(compare).catch((error) => this.#tryLater(held, messageOf(error)));
  }

  /** Its subject has a message already: this one, published before, or another? */
  async #compareOutcome(held: HeldEntry): Promise<void> {
    const first = await readSurelyLastOf(this.#connection, LOG_STREAM, held.subject);
    // A cluster also refuses what comes while another is on its way, which may fail.
    if (first === undefined) return this.#tryLater(held, "another outcome is about to be stored");
    const isOwn = held.sends > 1 && held.hasData(first.data);
    this.#settle(held, isOwn ? STORED : { kind: "duplicate", accepted: acceptedOutcome(first) });
  }

  /** A message of its `Nats-Msg-Id` is stored already: this one, or somebody's work? */
  async #compareId(held: HeldEntry, sequence: number): Promise<void> {
    const first = await readStored(this.#connection, LOG_STREAM, sequence);
    if (first === undefined || first.subject === held.subject) return this.#settle(held, STORED);
    held.dropId();
    this.#queue.push(held);
    this.flush();
  }

  #tryLater(held: HeldEntry, reason: string): void {
    this.#problem(reason);
    this.#later.push(held);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#queue = [...this.#queue, ...this.#later];
      this.#later = [];
      this.flush();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  /** Takes what was published before this time back into the queue. @returns Whether there was any. */
  #takeBack(before: number): boolean {
    const again: HeldEntry[] = [];
    for (const [number, held] of this.#flight.entries()) {
      if (held.sentAt >= before) continue;
      this.#leave(number, held, false);
      again.push(held);
    }
    if (again.length > 0) this.#queue = [...again, ...this.#queue];
    return again.length > 0;
  }

  #settle(held: HeldEntry, stored: Stored): void {
    this.#entries--;
    this.#bytes -= held.dataBytes;
    if (stored.kind !== "refused") this.#trouble = undefined;
    held.onSettled?.(stored);
    if (this.#entries > 0) return;
    for (const resolve of this.#idle) resolve();
    this.#idle.clear();
  }

  #problem(reason: string): void {
    this.#trouble = `Cannot store in ${LOG_STREAM}: ${reason}`;
    const now = performance.now();
    if (now - this.#toldAt < SWEEP_MS) return;
    this.#toldAt = now;
    this.#options.onProblem?.(this.#trouble);
  }
}

/** Whether this is no word of the log's. */
function isForeign(ack: PublishAck): boolean {
  return ack.kind === "foreign" || (ack.kind === "stored" && ack.stream !== LOG_STREAM);
}

/**
 * Stores results, events and dead letters in the log, many at once.
 *
 * All that one turn of the event loop brings is published together, in order, and only the first
 * message, the largest and the last ask for an acknowledgement: JetStream stores what one connection
 * publishes to one stream in order.
 *
 * Invariants:
 * 1. An entry is settled once: stored, or refused for good. Until then it is held in memory.
 * 2. An acknowledgement stands for its whole batch only where nothing can have been dropped in
 *    front of it: published in one turn on one connection (a lost connection sends all of its
 *    unacknowledged batches again), to a stream of a single server (in a cluster, a new leader may
 *    not have seen the beginning, or a route between servers have lost it), no publish denied
 *    meanwhile, the largest message acknowledged too (a limit on size that it passes, the others
 *    pass), and the first one, as many sequences before the last as there are messages: nats-server
 *    drops what comes while it has too much to store, in silence where no acknowledgement is asked
 *    for. Everything else is acknowledged one by one.
 * 3. What was held for longer than the stream recognises identities is published only if the work
 *    that it belongs to is still open, see {@linkcode LogWriter.askWhenLate}.
 * 4. What is sent again is recognised by its `Nats-Msg-Id`; whether the one that is stored already
 *    is ours, is decided by comparing.
 * 5. At most `MAX_APART` entries at once are acknowledged by themselves, compared or asked about:
 *    after a server was slow, what is to be sent again may be hundreds of thousands, and it would not
 *    answer so many requests before they are given up and made again.
 * 6. Few entries at once are published and not yet acknowledged, see {@linkcode Flight}.
 *
 * @module
 */
import type { Msg, Subscription } from "@nats-io/nats-core";
import { LOG_STREAM, messageOf } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { Publications } from "../publications.ts";
import { parsePublishAck, type PublishAck } from "../publish_ack.ts";
import { readStored } from "../stored_message.ts";
import { Flight } from "./flight.ts";
import { HeldBatch, HeldEntry, type LogEntry, type Stored } from "./log_entry.ts";
import { acceptedOutcome } from "./outcome_lookup.ts";

/** Settings of a {@linkcode LogWriter}. */
export interface LogWriterOptions {
  /** How many replicas the stream has; 1 by default. */
  readonly replicas?: number;
  /** Told when something cannot be stored for now, once a second at most; it is tried again. */
  readonly onProblem?: (reason: string) => void;
}

/** What became of the work that a late entry belongs to. */
export type Lateness =
  | { readonly kind: "open" }
  | { readonly kind: "answered"; readonly sequence: number }
  | { readonly kind: "gone" };

/** Of an entry that was held for long: what is known of its work. */
export type LateEntry = Pick<LogEntry, "subject" | "id">;

interface Late {
  readonly afterMs: number;
  readonly ask: (entry: LateEntry) => Promise<Lateness | undefined>;
}

const STORED: Stored = { kind: "stored" };
const ACK_TIMEOUT_MS = 5_000;
/** JetStream's error code for what trying again cannot help: it is too large for the stream. */
const MESSAGE_TOO_LARGE = 10054;
const SWEEP_MS = 1_000;
const MAX_APART = 1_024;
/** So few that a server hardly drops some of them and takes those before and behind. */
const MAX_TOGETHER = 256;
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
  readonly #flight = new Flight();
  #late: Late | undefined;
  #queue: HeldEntry[] = [];
  /** How many are dealt with apart now, and those that wait until there are fewer. */
  #apartCount = 0;
  #waiting: HeldEntry[] = [];
  #later: HeldEntry[] = [];
  #nextBatch = 1;
  #denials = 0;
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
      onLost: () => this.#resendLater(() => true),
      onRestored: () => this.flush(),
      onDenied: () => void this.#denials++,
    });
    this.#sweep = setInterval(() => {
      const limit = performance.now() - ACK_TIMEOUT_MS;
      if (this.#resendLater((batch) => batch.sentAt < limit)) {
        this.#problem(
          `no acknowledgement within ${ACK_TIMEOUT_MS} ms. nats-server's log may say why; if its ` +
            "disk was full, it may have to be restarted to store anything",
        );
        this.flush();
      }
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
    const held = new HeldEntry(entry, this.#connection.connected ? 0 : performance.now());
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
    const together = this.#queue.splice(0, this.#flight.roomFor(this.#queue)).filter((held) =>
      !this.#apart(held, now)
    );
    for (let at = 0; at < together.length; at += MAX_TOGETHER) {
      this.#publish(together.slice(at, at + MAX_TOGETHER));
    }
  }

  /**
   * Whether the beginning of a batch may be lost on its way to where its end is stored. A stream of a
   * cluster may be given replicas at any time, and be led by another server than ours.
   */
  get #isSpread(): boolean {
    return (this.#options.replicas ?? 1) > 1 || this.#connection.isClustered;
  }

  /** Deals with an entry that is not to be published together with others. @returns Whether it is one. */
  #apart(held: HeldEntry, now: number): boolean {
    if (!this.#fits(held)) return true;
    if (held.heldAt === 0) held.heldAt = now;
    const late = now - held.heldAt > (this.#late?.afterMs ?? Infinity) ? this.#late : undefined;
    const alone = held.sent || held.suspect || this.#isSpread;
    if (late === undefined && !alone) return false;
    if (this.#apartCount >= MAX_APART) this.#waiting.push(held);
    else if (late !== undefined) void this.#during(this.#askLate(held, late));
    else this.#publish([held], true);
    return true;
  }

  /** Counts an entry that is dealt with apart, until that is done. */
  async #during(done: Promise<void>): Promise<void> {
    this.#apartCount++;
    try {
      await done;
    } finally {
      this.#apartCount--;
      this.#goOn();
    }
  }

  /** Deals with entries that waited, if enough others are done. */
  #goOn(): void {
    if (this.#apartCount <= MAX_APART / 2) {
      this.#queue.push(...this.#waiting.splice(0, MAX_APART - this.#apartCount));
    }
    // What is appended in this turn is for its end, with all that it brings.
    if (this.#scheduled === undefined) this.flush();
  }

  /**
   * Asks about every entry that was held for so long, in milliseconds, before it is published: the
   * stream may not recognise its identity any more.
   *
   * @param ask `open`: it is published. `answered`: another one, or this one, is in the log at a
   * sequence. `gone`: it is not wanted any more. `undefined`: nobody knows any more.
   */
  askWhenLate(afterMs: number, ask: (entry: LateEntry) => Promise<Lateness | undefined>): void {
    this.#late = { afterMs, ask };
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

  #fits(held: HeldEntry): boolean {
    const limit = this.#connection.maxPayloadBytes;
    const { bytes } = held;
    if (bytes <= limit) return true;
    this.#settle(held, { kind: "refused", reason: `message is ${bytes} bytes, limit is ${limit}` });
    return false;
  }

  #publish(held: readonly HeldEntry[], apart = false): void {
    const number = this.#nextBatch++;
    const batch = new HeldBatch(held, { sentAt: performance.now(), denials: this.#denials, apart });
    if (apart) this.#apartCount++;
    this.#flight.add(number, batch);
    const inbox = `${this.#inbox}.${number}`;
    held.forEach((one, index) => {
      const { subject, data, headers } = one;
      one.sent = true;
      const reply = batch.asks(index) ? inbox : "";
      this.#publications.add(subject, data, { reply, headers });
    });
    this.#publications.send();
  }

  #acknowledged(msg: Msg): void {
    const number = Number(msg.subject.slice(msg.subject.lastIndexOf(".") + 1));
    const batch = this.#flight.get(number);
    if (batch === undefined) return;
    const ack = parsePublishAck(msg);
    if (isForeign(ack)) return; // If JetStream's own does not come, all of it is sent again.
    const stored = ack.kind === "stored" && !ack.duplicate;
    if (stored && batch.acknowledged(ack.sequence) > 0) return;
    this.#leave(number, batch);
    const [first] = batch.held;
    if (stored && batch.held.length > 1 && batch.mayBeWhole) {
      // That one of them was denied is told by an error, which may be on its way from the client.
      setImmediate(() => {
        if (this.#denials === batch.denials) this.#stored(batch);
        else this.#sendEach(batch);
      });
    } else if (batch.held.length > 1) {
      this.#sendEach(batch);
    } else if (stored) {
      this.#stored(batch);
    } else if (first !== undefined) {
      this.#resolve(first, ack);
    }
    this.#goOn();
  }

  /** A batch is in flight no longer. */
  #leave(number: number, batch: HeldBatch): void {
    this.#flight.delete(number, batch);
    if (batch.apart) this.#apartCount--;
  }

  async #askLate(held: HeldEntry, { ask }: Late): Promise<void> {
    const late = await ask(held);
    switch (late?.kind) {
      case "open":
        held.heldAt = performance.now();
        this.#queue.push(held);
        return this.flush();
      case "answered":
        return await this.#compare(held, late.sequence);
      case "gone":
        return this.#settle(held, { kind: "duplicate" });
    }
  }

  #stored(batch: HeldBatch): void {
    if (this.#closed) return;
    this.#retryMs = FIRST_RETRY_MS;
    for (const held of batch.held) this.#settle(held, STORED);
  }

  /** Which of them was not stored is not known: each is sent again, by itself. */
  #sendEach(batch: HeldBatch): void {
    this.#queue = [...this.#queue, ...batch.held];
    this.flush();
  }

  /** One that was sent by itself was not stored now. */
  #resolve(held: HeldEntry, ack: PublishAck): void {
    if (ack.kind === "stored") {
      void this.#during(this.#compare(held, ack.sequence));
    } else if (ack.kind === "refused" && ack.errorCode === MESSAGE_TOO_LARGE) {
      this.#settle(held, { kind: "refused", reason: ack.reason });
    } else {
      this.#problem(ack.kind === "refused" ? ack.reason : "no stream takes it");
      this.#tryLater(held);
    }
  }

  /** A message of the same identity is stored already: this one, sent before, or another? */
  async #compare(held: HeldEntry, sequence: number): Promise<void> {
    try {
      const stored = await readStored(this.#connection, LOG_STREAM, sequence);
      if (stored !== undefined && stored.subject !== held.subject) {
        // The copy of work that was sent with this identity, say.
        held.mark();
        this.#queue.push(held);
        return this.flush();
      }
      if (stored === undefined || held.hasData(stored.data)) {
        return this.#settle(held, STORED);
      }
      this.#settle(held, { kind: "duplicate", accepted: acceptedOutcome(stored) });
    } catch (error) {
      this.#problem(messageOf(error));
      this.#tryLater(held);
    }
  }

  #tryLater(held: HeldEntry): void {
    this.#later.push(held);
    this.#retry ??= setTimeout(() => {
      this.#retry = undefined;
      this.#queue = [...this.#queue, ...this.#later];
      this.#later = [];
      this.flush();
    }, this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS);
  }

  /** Takes batches back into the queue. @returns Whether there were any. */
  #resendLater(which: (batch: HeldBatch) => boolean): boolean {
    const batches: HeldBatch[] = [];
    for (const [number, batch] of this.#flight.all()) {
      if (!which(batch)) continue;
      this.#leave(number, batch);
      batches.push(batch);
    }
    const again = batches.flatMap(({ held }) => held);
    this.#queue = [...again, ...this.#queue];
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

/**
 * The event stream's source: one reader of the log for any number of clients.
 *
 * Invariants:
 * 1. The log is followed by one consumer, whatever the number of clients. A client that is further
 *    behind than the ring reaches reads for itself until it is there; only so many do at once.
 * 2. A client that takes nothing while something waits for it, or that the ring has left behind, is
 *    cut and told so. It comes back with the id of the last event that it got.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { type Connection, logBounds, type LogRecord, readLog } from "@ourocodus/bus";
import { ALL_LOG_SUBJECTS, messageOf, pause } from "@ourocodus/protocol";
import pLimit from "p-limit";
import { EventClient, type EventRequest } from "./event_client.ts";
import { eventFrame } from "./event_frame.ts";
import { EventRing, type EventRingLimits } from "./event_ring.ts";

/** Settings of an {@linkcode EventHub}. */
export interface EventHubOptions {
  /** What the ring holds; 20 000 events and 64 MiB by default. */
  readonly ring?: EventRingLimits;
  /** How many past events are read at the start; 5000 by default. */
  readonly preload?: number;
  /** How long a client may take nothing, in milliseconds; 30 000 by default. */
  readonly stallMs?: number;
  /** Maximum number of clients; 10 000 by default. */
  readonly maxClients?: number;
  /** How often an idle client hears something, in milliseconds; 15 000 by default. */
  readonly heartbeatMs?: number;
}

const DEFAULT_RING = { events: 20_000, bytes: 64 * 2 ** 20 };
const DEFAULT_PRELOAD = 5_000;
const DEFAULT_MAX_CLIENTS = 10_000;
const DEFAULT_STALL_MS = 30_000;
const DEFAULT_HEARTBEAT_MS = 15_000;
const TICK_MS = 1_000;
const RETRY_MS = 1_000;
/** How many clients may read the log for themselves at once. */
const READERS = 8;
/** Every so many ticks it is checked that the log is still the one that is followed. */
const CHECK_TICKS = 5;
const log = getLogger(["ourocodus", "api"]);

/** Feeds all clients of the event stream from one reader of the log. */
export class EventHub {
  readonly connection: Connection;
  readonly ring: EventRing;
  readonly #options: EventHubOptions;
  readonly #clients = new Set<EventClient>();
  readonly #listeners = new Set<(record: LogRecord) => void>();
  readonly #readers = pLimit(READERS);
  readonly #abort = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #unlisten: () => void;
  readonly #reading: Promise<void>;
  /** The log's last sequence when this was started, or when the log was made anew. */
  #startedAt: number;
  #restart = new AbortController();
  #ticks = 0;
  #heartbeatAt = performance.now();
  #sent = 0;
  #cut = 0;
  #announced: ReturnType<typeof setImmediate> | undefined;

  /** Begins to follow. @throws {StreamError} If there is no log. */
  static async start(connection: Connection, options: EventHubOptions = {}): Promise<EventHub> {
    const { first, last } = await logBounds(connection);
    const { preload = DEFAULT_PRELOAD } = options;
    return new EventHub(
      connection,
      { floor: Math.max(first - 1, last - preload, 0), last },
      options,
    );
  }

  private constructor(
    connection: Connection,
    { floor, last }: { readonly floor: number; readonly last: number },
    options: EventHubOptions,
  ) {
    this.connection = connection;
    this.#options = options;
    this.#startedAt = last;
    this.ring = new EventRing(options.ring ?? DEFAULT_RING, floor);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#unlisten = connection.listen({
      onLost: () => this.#tellStatus("disconnected"),
      onRestored: () => this.#tellStatus("connected"),
    });
    this.#reading = this.#follow();
  }

  /** How many clients there are. */
  get clients(): number {
    return this.#clients.size;
  }

  /** How many events have been handed over, to all clients together. */
  get sent(): number {
    return this.#sent;
  }

  /** How many clients have been cut because they read too slowly. */
  get cut(): number {
    return this.#cut;
  }

  /** Maximum number of clients. */
  get maxClients(): number {
    return this.#options.maxClients ?? DEFAULT_MAX_CLIENTS;
  }

  /** Adds a client. @returns The body of its response. */
  open(request: EventRequest): ReadableStream<Uint8Array> {
    const client = new EventClient(this, request);
    client.notify("status", { nats: this.connection.connected ? "connected" : "disconnected" });
    this.#clients.add(client);
    return client.stream();
  }

  /** Tells of every record, those of the past that are preloaded included. @returns Ends that. */
  listen(listener: (record: LogRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends all clients and the reading. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#unlisten();
    this.#abort.abort();
    this.#restart.abort();
    for (const client of [...this.#clients]) client.close();
    await this.#reading;
  }

  /** For clients. */
  get now(): number {
    return Math.max(this.ring.last, this.#startedAt);
  }

  /** For clients. */
  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    for (;;) {
      try {
        if (this.connection.connected || this.#abort.signal.aborted) {
          return await logBounds(this.connection);
        }
      } catch (error) {
        if (this.#abort.signal.aborted) throw error;
      }
      await pause(RETRY_MS);
    }
  }

  /** For clients. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    return await this.#readers(read);
  }

  /** For clients. */
  onSent(count: number): void {
    this.#sent += count;
  }

  /** For clients. */
  onLeftBehind(client: EventClient): void {
    this.#cutOff(client, `it is more than ${this.ring.last - this.ring.floor} events behind`);
  }

  /** For clients. */
  onEnd(client: EventClient): void {
    this.#clients.delete(client);
  }

  async #follow(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const { signal } = this.#restart;
      const fromSequence = this.ring.last + 1;
      try {
        const records = readLog(this.connection, ALL_LOG_SUBJECTS, {
          fromSequence,
          follow: true,
          signal,
        });
        for await (const record of records) this.#add(record);
      } catch (error) {
        log.warn("the log cannot be followed for now", { error: messageOf(error) });
        await pause(RETRY_MS);
      }
      if (this.connection.nats.isClosed()) return;
    }
  }

  #add(record: LogRecord): void {
    this.ring.add(eventFrame(record));
    for (const listener of this.#listeners) listener(record);
    // What comes together is handed over together.
    this.#announced ??= setImmediate(() => {
      this.#announced = undefined;
      for (const client of this.#clients) client.wake();
    });
  }

  #tellStatus(nats: "connected" | "disconnected"): void {
    for (const client of this.#clients) client.notify("status", { nats });
  }

  #tick(): void {
    const { stallMs = DEFAULT_STALL_MS, heartbeatMs = DEFAULT_HEARTBEAT_MS } = this.#options;
    const now = Date.now();
    for (const client of [...this.#clients]) {
      if (client.expiresAt !== undefined && client.expiresAt <= now) {
        client.close("expired", { reason: "the token has expired" });
        continue;
      }
      if (client.stalledMs > stallMs) {
        this.#cutOff(client, `nothing was read for ${Math.round(client.stalledMs / 1_000)} s`);
      }
    }
    if (performance.now() - this.#heartbeatAt >= heartbeatMs) {
      this.#heartbeatAt = performance.now();
      for (const client of this.#clients) client.heartbeat();
    }
    if (++this.#ticks % CHECK_TICKS === 0) void this.#checkLog();
  }

  #cutOff(client: EventClient, reason: string): void {
    this.#cut++;
    client.close("slow", { last_event_id: client.cursor ?? null, reason });
  }

  /** Whether the log ends before what was read of it. */
  async #isShorter(): Promise<boolean> {
    const before = this.ring.last;
    const bounds = await logBounds(this.connection).catch(() => undefined);
    return bounds !== undefined && bounds.last < before;
  }

  /** A log that was removed and made again counts from 1: nothing would come for a long time. */
  async #checkLog(): Promise<void> {
    if (!this.connection.connected) return;
    if (!await this.#isShorter()) return;
    // A cluster's new leader may take a moment until it has all that the one before had.
    await pause(RETRY_MS);
    if (this.#abort.signal.aborted || !await this.#isShorter()) return;
    log.warn("the log was made anew; following it from its start");
    this.ring.reset(0);
    this.#startedAt = 0;
    this.#restart.abort();
    this.#restart = new AbortController();
    for (const client of this.#clients) client.reset();
  }
}

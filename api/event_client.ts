/**
 * One client of the event stream: what it gets next.
 *
 * Invariants:
 * 1. `cursor` is the sequence up to which everything that passes its filter has been handed over.
 * 2. Nothing is prepared for a client that does not read: it is asked for by the socket.
 * 3. When it ends, for whatever reason, its reader, its place in the hub and its waiting are gone.
 *
 * @module
 */
import { type Connection, type LogRecord, readLog, StreamError } from "@ourocodus/bus";
import { ALL_LOG_SUBJECTS, pause, sessionSubjects } from "@ourocodus/protocol";
import { type EventFilter, passes } from "./event_filter.ts";
import { commentFrame, eventFrame, noticeFrame, openingFrame } from "./event_frame.ts";
import type { EventRing } from "./event_ring.ts";

/** What a client asks for. */
export interface EventRequest {
  readonly filter: EventFilter;
  /** After this sequence; undefined: with what comes next. */
  readonly after?: number;
  /** From this time on, instead. */
  readonly since?: Date;
  /** When it is to end, in milliseconds since 1970; never without. */
  readonly expiresAt?: number;
}

/** What a client needs of its hub. */
export interface ClientHub {
  readonly connection: Connection;
  readonly ring: EventRing;
  /** The sequence after which a client begins that asks for nothing older. */
  readonly now: number;
  /** The log's first and last sequences. */
  bounds(): Promise<{ readonly first: number; readonly last: number }>;
  /** Runs a reading of the log; only so many at once. */
  reading<T>(read: () => Promise<T>): Promise<T>;
  /** Events were handed over. */
  onSent(count: number): void;
  /** The ring has left a client behind that was in it. */
  onLeftBehind(client: EventClient): void;
  onEnd(client: EventClient): void;
}

const RETRY_MS = 1_000;
/** As much may wait in front of the socket, in bytes. */
const WINDOW_BYTES = 64 * 1024;
/** As much is read at a time to catch up, in bytes of what passes, and in records. */
const CATCH_UP_BYTES = 2 ** 20;
const CATCH_UP_RECORDS = 50_000;
const RETRY_READING_MS = 1_000;
const GAP = "these events are no longer kept";
const RESET = "the log was made anew; this begins at its start";
const HEARTBEAT = commentFrame("heartbeat");

type Controller = ReadableStreamDefaultController<Uint8Array>;

/** One client of the event stream. */
export class EventClient {
  readonly #hub: ClientHub;
  readonly #request: EventRequest;
  readonly #abort = new AbortController();
  readonly #notices: Uint8Array[] = [openingFrame(RETRY_MS)];
  #controller: Controller | undefined;
  #cursor: number | undefined;
  #since: Date | undefined;
  #wake: (() => void) | undefined;
  /** When the socket last took something, in milliseconds of the monotonic clock. */
  #takenAt = performance.now();
  #waiting = false;
  /** Whether it has been served from the ring. */
  #live = false;
  #ended = false;
  #resets = 0;

  constructor(hub: ClientHub, request: EventRequest) {
    this.#hub = hub;
    this.#request = request;
    this.#cursor = request.after;
    this.#since = request.since;
  }

  /** The sequence up to which it has been served; undefined as long as that is not known. */
  get cursor(): number | undefined {
    return this.#cursor;
  }

  /** When it is to end, in milliseconds since 1970. */
  get expiresAt(): number | undefined {
    return this.#request.expiresAt;
  }

  /** For how long something waits that it does not take, in milliseconds; 0 if nothing does. */
  get stalledMs(): number {
    const full = (this.#controller?.desiredSize ?? 1) <= 0;
    return full ? performance.now() - this.#takenAt : 0;
  }

  /** The body of its response. */
  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller;
      },
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#end(),
    }, new ByteLengthQueuingStrategy({ highWaterMark: WINDOW_BYTES }));
  }

  /** There may be something new. */
  wake(): void {
    this.#wake?.();
  }

  /** Tells it something that is not of the log. */
  notify(name: string, data: object): void {
    this.#notices.push(noticeFrame(name, data));
    this.wake();
  }

  /** Shows that the connection lives, unless something waits for it anyway. */
  heartbeat(): void {
    if (!this.#waiting) return;
    this.#notices.push(HEARTBEAT);
    this.wake();
  }

  /** Begins again at the log's start: it was made anew. */
  reset(): void {
    this.#resets++;
    this.#cursor = 0;
    this.#since = undefined;
    this.notify("reset", { reason: RESET });
  }

  /** Ends it, with a last notice if there is a reason to tell. */
  close(name?: string, data?: object): void {
    if (this.#ended) return;
    try {
      if (name !== undefined) this.#controller?.enqueue(noticeFrame(name, data ?? {}));
      this.#controller?.close();
    } catch {
      // The client went away in this very moment.
    }
    this.#end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#abort.abort();
    this.wake();
    this.#hub.onEnd(this);
  }

  /** Called whenever the socket can take more; enqueues something, however long that takes. */
  async #pull(controller: Controller): Promise<void> {
    try {
      await this.#sendNext(controller);
    } catch (error) {
      // The stream is broken with that, and nothing else would give its place back.
      this.#end();
      throw error;
    }
  }

  async #sendNext(controller: Controller): Promise<void> {
    this.#takenAt = performance.now();
    while (!this.#ended) {
      const notice = this.#notices.shift();
      if (notice !== undefined) return controller.enqueue(notice);
      const behind = await this.#isBehind();
      // That the log is another one must be known before what it has.
      if (this.#notices.length > 0) continue;
      if (behind) {
        if (await this.#catchUp(controller)) return;
        continue;
      }
      if (this.#ended || this.#cursor === undefined) return;
      this.#live = true;
      const stretch = this.#hub.ring.after(this.#cursor, this.#request.filter);
      this.#cursor = Math.max(this.#cursor, stretch.upTo);
      if (stretch.events > 0) {
        this.#hub.onSent(stretch.events);
        return controller.enqueue(stretch.bytes);
      }
      await this.#news();
    }
  }

  async #news(): Promise<void> {
    this.#waiting = true;
    await new Promise<void>((resolve) => this.#wake = resolve);
    this.#wake = undefined;
    this.#waiting = false;
    this.#takenAt = performance.now();
  }

  /** Whether what comes next is not in the ring; finds out where to begin. */
  async #isBehind(): Promise<boolean> {
    const { ring, now } = this.#hub;
    if (this.#since !== undefined) return true;
    this.#cursor ??= now;
    if (this.#cursor < ring.floor) {
      if (this.#live) this.#hub.onLeftBehind(this);
      return true;
    }
    if (this.#cursor <= ring.last) return false;
    // Either the ring is a moment late, or the sequence is from another log.
    const { last } = await this.#hub.bounds();
    if (this.#cursor > last) this.reset();
    return false;
  }

  /** Hands over what is older than the ring. @returns Whether anything was. */
  async #catchUp(controller: Controller): Promise<boolean> {
    const { first, last } = await this.#hub.bounds();
    const cursor = this.#cursor ?? 0;
    if (this.#since === undefined && cursor + 1 < first) {
      this.#cursor = first - 1;
      // From the very beginning means: all there is.
      if (cursor > 0) this.notify("gap", { from: cursor + 1, to: first - 1, reason: GAP });
      return false;
    }
    const parts: Uint8Array[] = [];
    const resets = this.#resets;
    let at: LogRecord | undefined;
    try {
      at = await this.#hub.reading(() => this.#read(cursor, parts));
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      await pause(RETRY_READING_MS);
      return false;
    }
    if (this.#ended) return true;
    // What was read is of a log that is gone.
    if (this.#resets !== resets) return false;
    this.#since = undefined;
    // Having come to the end, all there was when it began has been seen.
    const complete = at === undefined || at.pending === 0;
    this.#cursor = Math.max(at?.sequence ?? 0, complete ? last : 0, cursor);
    for (const part of parts) controller.enqueue(part);
    this.#hub.onSent(parts.length);
    return parts.length > 0;
  }

  /** Reads on from a sequence. @returns The last record that was looked at. */
  async #read(cursor: number, parts: Uint8Array[]): Promise<LogRecord | undefined> {
    const { filter } = this.#request;
    const [session, ...others] = filter.sessions ?? [];
    const subject = session !== undefined && others.length === 0
      ? sessionSubjects(session)
      : ALL_LOG_SUBJECTS;
    const begin = this.#since === undefined ? { fromSequence: cursor + 1 } : { since: this.#since };
    const records = readLog(this.#hub.connection, subject, {
      ...begin,
      signal: this.#abort.signal,
    });
    let looked = 0;
    let bytes = 0;
    for await (const record of records) {
      const frame = eventFrame(record);
      if (passes(filter, frame)) {
        parts.push(frame.bytes);
        bytes += frame.bytes.length;
      }
      if (bytes > CATCH_UP_BYTES || ++looked >= CATCH_UP_RECORDS) return record;
      if (record.pending === 0) return record;
    }
    return undefined;
  }
}

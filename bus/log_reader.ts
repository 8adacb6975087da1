/**
 * Reading the log: results, events, dead letters and copies of work, from any point on, and then
 * what comes.
 *
 * Invariants:
 * 1. Records come in the order of their sequence, each once, none left out, whatever happens to
 *    the connection or the server: the position is ours, and after a gap, a silence or a loss a
 *    new consumer is made that begins there.
 * 2. Nothing is pulled that was not asked for: at most a batch waits in memory.
 * 3. When the reading ends, for whatever reason, its consumer, subscription and timer are gone.
 *
 * @module
 */
import {
  AckPolicy,
  type ConsumerConfig,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  jetstreamManager,
} from "@nats-io/jetstream";
import { type Msg, nanos, nuid, PermissionViolationError } from "@nats-io/nats-core";
import type { Connection } from "./connection.ts";
import { messageOf, StreamError } from "./errors.ts";
import { LogDelivery } from "./log_delivery.ts";
import { type LogRecord, toRecord } from "./log_record.ts";
import { LOG_STREAM } from "./streams.ts";
import { ALL_LOG_SUBJECTS } from "./subjects.ts";

/** Where {@linkcode readLog} begins and ends. With none of the first three it reads all. */
export interface ReadLogOptions {
  /** At most so many messages, the newest, of those that are there; 0 for none. */
  readonly last?: number;
  /** Only messages with a lower sequence; not with `follow`. */
  readonly before?: number;
  /** Messages stored at this time or later. */
  readonly since?: Date;
  /** Messages with this sequence or a higher one. */
  readonly fromSequence?: number;
  /** Whether to go on with what comes, instead of ending with what is there. */
  readonly follow?: boolean;
  /** Whether to leave out the messages' texts, which then are empty. */
  readonly headersOnly?: boolean;
  /**
   * Passes over messages whose text holds none of these: far cheaper than making a record of each.
   * `last` counts them all the same.
   */
  readonly holding?: readonly string[];
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
  /** For how long the log may be out of reach before reading without `follow` fails; 10 000 ms. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
const RETRY_MS = 250;
/** Without `follow`, so many consumers in a row may deliver nothing. */
const FRUITLESS = 3;
/** A consumer that nobody reads from is removed by the server after this time. */
const INACTIVE_MS = 60_000;
/** As many messages too many are rather read and passed over than searched away. */
const PASSED_OVER = 1_000;

/**
 * Reads messages of one subject, oldest first.
 *
 * @param subject Of `resultsSubject`, `eventsSubject`, `deadSubject` or `storedSubject`; or
 * `ALL_LOG_SUBJECTS`, or of `sessionSubjects`, of which `last` cannot be had.
 * @returns Ends when all that was there has been read, or with `follow` never: until the signal
 * is aborted, the loop is left, or the connection is closed.
 * @throws {StreamError} If the log cannot be read: no stream, no permission; without `follow` also
 * if NATS is away for too long.
 * @throws {RangeError} If `last` is not a whole number from 0, or `fromSequence` or `before` none
 * from 1.
 */
export function readLog(
  connection: Connection,
  subject: string,
  options: ReadLogOptions = {},
): AsyncIterable<LogRecord> {
  const { last = 0, fromSequence = 1, before = 1 } = options;
  if (!Number.isSafeInteger(last) || last < 0) {
    throw new RangeError(`last is ${last}, it must be a whole number from 0`);
  }
  if (!Number.isSafeInteger(fromSequence) || fromSequence < 1) {
    throw new RangeError(`fromSequence is ${fromSequence}, it must be a whole number from 1`);
  }
  if (!Number.isSafeInteger(before) || before < 1) {
    throw new RangeError(`before is ${before}, it must be a whole number from 1`);
  }
  if (options.before !== undefined && options.follow) {
    throw new RangeError(`before is ${before}, it cannot be had with follow`);
  }
  return { [Symbol.asyncIterator]: () => read(new Log(connection, subject), options) };
}

/**
 * The sequence of the newest message in the log, 0 if there never was one. Reading from the next
 * sequence on, now or later, misses nothing that is stored after this call.
 *
 * @throws {StreamError} If there is no log, or it cannot be asked.
 */
export async function lastLogSequence(connection: Connection): Promise<number> {
  return await new Log(connection, "").lastSequence();
}

/**
 * The sequences of the oldest and the newest message in the log. In an empty log the first is above
 * the last.
 *
 * @throws {StreamError} If there is no log, or it cannot be asked.
 */
export async function logBounds(
  connection: Connection,
): Promise<{ readonly first: number; readonly last: number }> {
  return await new Log(connection, "").bounds();
}

/** Where to begin. */
interface Position {
  readonly start: Partial<ConsumerConfig>;
  /** As many messages are passed over from there; undefined: all but the newest `last`. */
  readonly skip?: number;
}

async function* read(log: Log, options: ReadLogOptions): AsyncGenerator<LogRecord> {
  const { follow = false, signal } = options;
  const last = options.last || Infinity;
  const { before = Infinity } = options;
  let position: Position | undefined;
  let beyond = 0;
  let fruitless = 0;
  /** As many messages are still to be read; matters without `follow` only. */
  let left: number | undefined;
  while (!ended(log, signal)) {
    const info = await log.retrying(options, async () => {
      beyond = await log.countFrom(before);
      position ??= { start: await log.locate(options) };
      return await log.open(position.start, options.headersOnly);
    });
    if (info === undefined || position === undefined) return;
    const delivery = new LogDelivery(log.connection, info, options);
    try {
      left ??= info.num_pending - beyond;
      let skip: number = position.skip ?? Math.max(0, info.num_pending - beyond - last);
      position = { start: position.start, skip };
      if (!follow && left <= 0) return;
      fruitless++;
      for await (const { message, place } of delivery.messages()) {
        if (place.sequence >= before) return;
        fruitless = 0;
        skip--;
        position = { start: fromSequence(place.sequence + 1), skip: Math.max(0, skip) };
        const wanted = skip < 0 && log.isRead(message) && holds(message, options.holding);
        const record = wanted ? toRecord(message, place) : undefined;
        if (record !== undefined) yield record;
        left--;
        if (!follow && (left <= 0 || place.pending === 0)) return;
      }
      if (delivery.exhausted) return;
    } finally {
      delivery.close();
      await log.remove(info);
    }
    if (!follow && fruitless >= FRUITLESS) {
      throw cannotRead(log.connection, new Error("the server hands nothing out"));
    }
    await pause(RETRY_MS, signal);
  }
}

function holds(message: Msg, needles: readonly string[] | undefined): boolean {
  if (needles === undefined) return true;
  const text = message.string();
  return needles.some((needle) => text.includes(needle));
}

function ended(log: Log, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || log.connection.nats.isClosed();
}

function fromSequence(sequence: number): Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
}

/** The log's stream, as seen by one reader. */
class Log {
  readonly connection: Connection;
  readonly #subject: string;
  #manager: Promise<JetStreamManager> | undefined;

  constructor(connection: Connection, subject: string) {
    this.connection = connection;
    this.#subject = subject;
  }

  async lastSequence(): Promise<number> {
    return (await this.bounds()).last;
  }

  async bounds(): Promise<{ readonly first: number; readonly last: number }> {
    try {
      const { first_seq, last_seq, messages } = await this.#state();
      return { first: messages === 0 ? last_seq + 1 : first_seq, last: last_seq };
    } catch (error) {
      throw cannotRead(this.connection, error);
    }
  }

  /** Finds where to begin. */
  async locate(options: ReadLogOptions): Promise<Partial<ConsumerConfig>> {
    const { last, since } = options;
    if (last === 0) return fromSequence((await this.#state()).last_seq + 1);
    const start = options.fromSequence !== undefined
      ? fromSequence(options.fromSequence)
      : since !== undefined
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
      : { deliver_policy: DeliverPolicy.All };
    const beyond = await this.countFrom(options.before ?? Infinity);
    if (last === undefined || await this.#count(start) - beyond <= last) return start;
    return await this.#startOfLast(last + beyond, start, options.before);
  }

  /** How many messages have this sequence or a higher one; none has one beyond all numbers. */
  async countFrom(sequence: number): Promise<number> {
    return sequence === Infinity ? 0 : await this.#count(fromSequence(sequence));
  }

  /**
   * Finds a place from which there are at least `last` messages, and not many more. JetStream
   * cannot be asked for it, but it counts what a consumer would get: so this steps back from the
   * end, each step four times as far, then halves the last step.
   */
  async #startOfLast(
    last: number,
    floor: Partial<ConsumerConfig>,
    before = Infinity,
  ): Promise<Partial<ConsumerConfig>> {
    const { first_seq, last_seq } = await this.#state();
    const end = Math.min(before, last_seq + 1);
    let enough: number | undefined;
    let excess = Infinity;
    let tooFew = end;
    for (let distance = last; enough === undefined; distance *= 4) {
      const sequence = end - distance;
      if (sequence <= first_seq) break;
      const count = await this.#count(fromSequence(sequence));
      if (count < last) tooFew = sequence;
      else [enough, excess] = [sequence, count - last];
    }
    let low = enough ?? first_seq;
    while (excess > PASSED_OVER && tooFew - low > 1) {
      const middle = Math.floor((low + tooFew) / 2);
      const count = await this.#count(fromSequence(middle));
      if (count < last) tooFew = middle;
      else [low, enough, excess] = [middle, middle, count - last];
    }
    return enough === undefined ? floor : fromSequence(enough);
  }

  /** Makes a consumer that begins at a position. */
  async open(start: Partial<ConsumerConfig>, headersOnly = false): Promise<ConsumerInfo> {
    const { deliver_policy, opt_start_seq, opt_start_time } = start;
    const manager = await this.#jetstream();
    return await manager.consumers.add(LOG_STREAM, {
      name: `ourocodus-reader-${nuid.next()}`,
      deliver_policy: deliver_policy ?? DeliverPolicy.All,
      ...(opt_start_seq !== undefined && { opt_start_seq }),
      ...(opt_start_time !== undefined && { opt_start_time }),
      ...this.#filter(),
      headers_only: headersOnly,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(INACTIVE_MS),
    });
  }

  /**
   * What the server sorts out. All that the log has needs no filter; servers before 2.10 refuse one
   * that is wider than a subject of the stream's, and then we pass over the others' messages.
   */
  #filter(): Partial<ConsumerConfig> {
    const subject = this.#subject;
    if (subject === ALL_LOG_SUBJECTS) return {};
    if (subject.endsWith(".>") && !isAtLeast(this.connection.nats.info?.version, 2, 10)) return {};
    return { filter_subject: subject };
  }

  /** Whether a message is of the subject that is read. */
  isRead({ subject }: Msg): boolean {
    return !this.#subject.endsWith(">") || subject.startsWith(this.#subject.slice(0, -1));
  }

  /** Removes a consumer, if the server can be told. */
  async remove(info: ConsumerInfo): Promise<void> {
    if (!this.connection.connected || this.connection.nats.isClosed()) return;
    const manager = await this.#jetstream();
    await manager.consumers.delete(LOG_STREAM, info.name).catch(() => {});
  }

  /**
   * Does something that needs the server, again and again while the server is away.
   *
   * @returns Undefined if the reading was ended meanwhile.
   */
  async retrying<T>(options: ReadLogOptions, action: () => Promise<T>): Promise<T | undefined> {
    const { follow = false, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const deadline = performance.now() + timeoutMs;
    while (!ended(this, signal)) {
      try {
        if (this.connection.connected) return await action();
      } catch (error) {
        if (ended(this, signal)) return undefined;
        if (isFinal(error)) throw cannotRead(this.connection, error);
        if (!follow && performance.now() > deadline) throw cannotRead(this.connection, error);
      }
      if (!follow && performance.now() > deadline) {
        throw cannotRead(this.connection, new Error(`away for ${timeoutMs} ms`));
      }
      await pause(RETRY_MS, signal);
    }
    return undefined;
  }

  async #count(start: Partial<ConsumerConfig>): Promise<number> {
    const info = await this.open(start);
    await this.remove(info);
    return info.num_pending;
  }

  async #state(): Promise<{ first_seq: number; last_seq: number; messages: number }> {
    return (await (await this.#jetstream()).streams.info(LOG_STREAM)).state;
  }

  async #jetstream(): Promise<JetStreamManager> {
    return await (this.#manager ??= jetstreamManager(this.connection.nats, { checkAPI: false }));
  }
}

/** Whether a version like `2.9.10` is this one or newer. */
function isAtLeast(version: string | undefined, major: number, minor: number): boolean {
  const [itsMajor = 0, itsMinor = 0] = (version ?? "").split(".").map(Number);
  return itsMajor > major || (itsMajor === major && itsMinor >= minor);
}

/** Whether trying again cannot help. */
function isFinal(error: unknown): boolean {
  return error instanceof PermissionViolationError ||
    (error instanceof JetStreamApiError && error.status >= 400 && error.status < 500) ||
    (error instanceof Error && error.name === "JetStreamNotEnabled");
}

function cannotRead(connection: Connection, cause: unknown): StreamError {
  const missing = cause instanceof JetStreamApiError &&
    cause.code === JetStreamApiCodes.StreamNotFound;
  const advice = missing ? ". A relay makes it when it starts" : "";
  return new StreamError(
    `Cannot read the log ${LOG_STREAM} on NATS at ${connection.url}: ${messageOf(cause)}${advice}`,
    { cause },
  );
}

/** Resolves after a time, or when the signal is aborted. */
function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

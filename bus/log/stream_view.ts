/**
 * A stream, as seen by one reader: where to begin, how much there is, and its consumers.
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
import { nanos, nuid, PermissionViolationError, TimeoutError } from "@nats-io/nats-core";
import { ALL_LOG_SUBJECTS, messageOf, pause } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { StreamError } from "../nats_errors.ts";

/** Where reading begins and ends. With none of the first three all is read. */
export interface ReadOptions {
  /** At most this many of the messages that are there, the newest; 0 for none. */
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
   * `last` counts them anyway.
   */
  readonly holding?: readonly string[];
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal;
  /** For how long the stream may be out of reach before reading without `follow` fails; 10 000 ms. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** How long to wait before what failed is tried again, in milliseconds. */
export const RETRY_MS = 250;
/** A consumer that nobody reads from is removed by the server after this time. */
const INACTIVE_MS = 60_000;
/**
 * How long a consumer may take to be made, each time it is tried, in milliseconds. A cluster may give it
 * to a server that has died just now; another try is for another server.
 */
const OPEN_TIMEOUTS_MS = [1_000, 1_000, 1_000, 5_000] as const;
/** Up to this many needless messages are read and passed over, instead of searched away. */
const PASSED_OVER = 1_000;

/** A stream as one reader sees it. */
export class StreamView {
  readonly connection: Connection;
  readonly #stream: string;
  readonly #subject: string | readonly string[];
  #manager: Promise<JetStreamManager> | undefined;

  constructor(connection: Connection, stream: string, subject: string | readonly string[]) {
    this.connection = connection;
    this.#stream = stream;
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
      throw this.cannotRead(error);
    }
  }

  /** Why it cannot be read, in words. */
  cannotRead(cause: unknown): StreamError {
    const missing = cause instanceof JetStreamApiError &&
      cause.code === JetStreamApiCodes.StreamNotFound;
    const advice = missing ? ". A relay makes it when it starts" : "";
    const where = `stream ${this.#stream} on NATS at ${this.connection.url}`;
    return new StreamError(`Cannot read ${where}: ${messageOf(cause)}${advice}`, { cause });
  }

  /** Finds where to begin. */
  async locate(options: ReadOptions): Promise<Partial<ConsumerConfig>> {
    const { last, since } = options;
    if (last === 0) return fromSequence((await this.#state()).last_seq + 1);
    const start = options.fromSequence !== undefined
      ? fromSequence(options.fromSequence)
      : since !== undefined
      ? { deliver_policy: DeliverPolicy.StartTime, opt_start_time: since.toISOString() }
      : { deliver_policy: DeliverPolicy.All };
    if (last === undefined) return start;
    const beyond = await this.#matchingFrom(options.before ?? Infinity);
    if (await this.#matching(start) - beyond <= last) return start;
    return await this.#startOfLast(last + beyond, start, options.before);
  }

  /** How many messages of the subject there are between a new consumer's position and `before`. */
  async amount(info: ConsumerInfo, before: number): Promise<number> {
    return info.num_pending - await this.#matchingFrom(before);
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
      const count = await this.#matchingFrom(sequence);
      if (count < last) tooFew = sequence;
      else [enough, excess] = [sequence, count - last];
    }
    let low = enough ?? first_seq;
    while (excess > PASSED_OVER && tooFew - low > 1) {
      const middle = Math.floor((low + tooFew) / 2);
      const count = await this.#matchingFrom(middle);
      if (count < last) tooFew = middle;
      else [low, enough, excess] = [middle, middle, count - last];
    }
    return enough === undefined ? floor : fromSequence(enough);
  }

  /** Makes a consumer that begins at a position. */
  async open(start: Partial<ConsumerConfig>, headersOnly = false): Promise<ConsumerInfo> {
    const { deliver_policy, opt_start_seq, opt_start_time } = start;
    const config = {
      deliver_policy: deliver_policy ?? DeliverPolicy.All,
      ...(opt_start_seq !== undefined && { opt_start_seq }),
      ...(opt_start_time !== undefined && { opt_start_time }),
      // The stream has nothing else, so all of it needs no filter.
      ...filterOf(this.#subject),
      headers_only: headersOnly,
      ack_policy: AckPolicy.None,
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: nanos(INACTIVE_MS),
    };
    for (const timeout of OPEN_TIMEOUTS_MS) {
      try {
        return await this.#add(config, timeout);
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
      }
    }
    throw new TimeoutError();
  }

  async #add(config: Partial<ConsumerConfig>, timeout: number): Promise<ConsumerInfo> {
    const { nats } = this.connection;
    const { consumers } = await jetstreamManager(nats, { checkAPI: false, timeout });
    const name = `ourocodus-reader-${nuid.next()}`;
    return await consumers.add(this.#stream, { name, ...config });
  }

  /** Removes a consumer, if the server can be told. */
  async remove(info: ConsumerInfo): Promise<void> {
    if (!this.connection.connected || this.connection.nats.isClosed()) return;
    const manager = await this.#jetstream();
    await manager.consumers.delete(this.#stream, info.name).catch(() => {});
  }

  /**
   * Does something that needs the server, again and again while the server is away.
   *
   * @returns Undefined if the reading was ended meanwhile.
   */
  async retrying<T>(options: ReadOptions, action: () => Promise<T>): Promise<T | undefined> {
    const { follow = false, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
    const deadline = performance.now() + timeoutMs;
    while (!ended(this, signal)) {
      try {
        if (this.connection.connected) return await action();
      } catch (error) {
        if (ended(this, signal)) return undefined;
        if (isFinal(error)) throw this.cannotRead(error);
        if (!follow && performance.now() > deadline) throw this.cannotRead(error);
      }
      if (!follow && performance.now() > deadline) {
        throw this.cannotRead(new Error(`away for ${timeoutMs} ms`));
      }
      await pause(RETRY_MS, signal);
    }
    return undefined;
  }

  async #matchingFrom(sequence: number): Promise<number> {
    return sequence === Infinity ? 0 : await this.#matching(fromSequence(sequence));
  }

  /** How many messages of the subject there are from a position on. */
  async #matching(start: Partial<ConsumerConfig>): Promise<number> {
    const info = await this.open(start);
    await this.remove(info);
    return info.num_pending;
  }

  async #state(): Promise<{ first_seq: number; last_seq: number; messages: number }> {
    const { state, cluster } = await (await this.#jetstream()).streams.info(this.#stream);
    // A server that is cut off from its cluster tells of its own copy, which may be old.
    if (cluster !== undefined && !cluster.leader) throw new Error("it has no leader just now");
    return state;
  }

  async #jetstream(): Promise<JetStreamManager> {
    return await (this.#manager ??= jetstreamManager(this.connection.nats, { checkAPI: false }));
  }
}

/** All that the log has needs no filter. */
function filterOf(subject: string | readonly string[]): Partial<ConsumerConfig> {
  if (typeof subject !== "string") return { filter_subjects: [...subject] };
  return subject === ALL_LOG_SUBJECTS ? {} : { filter_subject: subject };
}

/** Whether trying again cannot help. */
function isFinal(error: unknown): boolean {
  return error instanceof PermissionViolationError ||
    (error instanceof JetStreamApiError && error.status >= 400 && error.status < 500) ||
    (error instanceof Error && error.name === "JetStreamNotEnabled");
}

/** Whether a reading is over, however much there is. */
export function ended(view: StreamView, signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true || view.connection.nats.isClosed();
}

/** Where a consumer begins that is to get messages with this sequence or a higher one. */
export function fromSequence(sequence: number): Partial<ConsumerConfig> {
  return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: sequence };
}

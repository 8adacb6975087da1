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
import type { ConsumerConfig } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { pause } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { LogDelivery } from "./log_delivery.ts";
import { type LogRecord, toRecord } from "./log_record.ts";
import {
  cannotRead,
  ended,
  fromSequence,
  Log,
  type ReadLogOptions,
  RETRY_MS,
} from "./log_stream.ts";

export type { ReadLogOptions };

/** Without `follow`, how many consumers in a row may deliver nothing. */
const FRUITLESS = 3;

/**
 * Reads messages, oldest first.
 *
 * @param subject Of `outcomeSubjects`, `eventsSubject`, `deadSubject` or `storedSubject`; or
 * `ALL_LOG_SUBJECTS`, or of `sessionSubjects`.
 * @returns Ends when all that was there has been read, or with `follow` never: until the signal
 * is aborted, the loop is left, or the connection is closed.
 * @throws {StreamError} If the log cannot be read: no stream, no permission; without `follow` also
 * if NATS is away for too long.
 * @throws {RangeError} If `last` is not a whole number from 0, or `fromSequence` or `before` none
 * from 1.
 */
export function readLog(
  connection: Connection,
  subject: string | readonly string[],
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
  /** How many messages are passed over from there; undefined: all but the newest `last`. */
  readonly skip?: number;
}

async function* read(log: Log, options: ReadLogOptions): AsyncGenerator<LogRecord> {
  const { follow = false, signal } = options;
  const last = options.last || Infinity;
  const { before = Infinity } = options;
  let position: Position | undefined;
  let fruitless = 0;
  /** How many messages are still to be read; matters without `follow` only. */
  let left: number | undefined;
  while (!ended(log, signal)) {
    const info = await log.retrying(options, async () => {
      const { start, skip } = position ??= { start: await log.locate(options) };
      const info = await log.open(start, options.headersOnly);
      if (skip === undefined) {
        left = await log.amount(info, before);
        position = { start, skip: Math.max(0, left - last) };
      }
      return info;
    });
    if (info === undefined || position?.skip === undefined || left === undefined) return;
    const delivery = new LogDelivery(log.connection, info, options);
    try {
      let { skip } = position;
      if (!follow && left <= 0) return;
      fruitless++;
      for await (const { message, place } of delivery.messages()) {
        if (place.sequence >= before) return;
        fruitless = 0;
        skip--;
        left--;
        position = { start: fromSequence(place.sequence + 1), skip: Math.max(0, skip) };
        const wanted = skip < 0 && holds(message, options.holding);
        const record = wanted ? toRecord(message, place) : undefined;
        if (record !== undefined) yield record;
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

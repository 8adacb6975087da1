/**
 * Reading the log: results, events, dead letters and copies of work, from any point on, and then
 * what comes.
 *
 * @module
 */
import { LOG_STREAM } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { type LogRecord, toRecord } from "./log_record.ts";
import { deliveries } from "./stream_reader.ts";
import { type ReadOptions, StreamView } from "./stream_view.ts";

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
  options: ReadOptions = {},
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
  return { [Symbol.asyncIterator]: () => records(logOf(connection, subject), options) };
}

/**
 * The sequence of the newest message in the log, 0 if there never was one. Reading from the next
 * sequence on, now or later, misses nothing that is stored after this call.
 *
 * @throws {StreamError} If there is no log, or it cannot be asked.
 */
export async function lastLogSequence(connection: Connection): Promise<number> {
  return await logOf(connection).lastSequence();
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
  return await logOf(connection).bounds();
}

async function* records(log: StreamView, options: ReadOptions): AsyncGenerator<LogRecord> {
  for await (const { message, place } of deliveries(log, options)) {
    const record = toRecord(message, place);
    if (record !== undefined) yield record;
  }
}

function logOf(connection: Connection, subject: string | readonly string[] = ""): StreamView {
  return new StreamView(connection, LOG_STREAM, subject);
}

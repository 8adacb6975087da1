/**
 * Where the log's copy of a work item is.
 *
 * @module
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { type Connection, logBounds, readNextOf, storedAtMs } from "@ourocodus/bus";
import { ALL_COPIES, LOG_STREAM, WORK_STREAM } from "@ourocodus/protocol";

/**
 * Finds the copy of a work item: copies lie in the order of their work's sequences, so that some
 * twenty questions to the server do, however long the log is.
 *
 * @param workSequence The work's sequence in the work stream, of the one that there is now.
 * @returns Its sequence in the log; `undefined` if it has no copy (any more).
 * @throws {StreamError} If the log cannot be asked.
 */
export async function findCopy(
  connection: Connection,
  workSequence: number,
): Promise<number | undefined> {
  const [createdMs, bounds] = await Promise.all([
    workStreamCreatedMs(connection),
    logBounds(connection),
  ]);
  /** Copies up to here are of earlier work, … */
  let low = bounds.first - 1;
  /** … and from here on of later work, or there are none. */
  let high = bounds.last + 1;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const copy = await readNextOf(connection, LOG_STREAM, ALL_COPIES, middle - 1);
    if (copy === undefined || copy.sequence >= high) high = middle;
    else {
      const of = storedAtMs(copy) < createdMs ? 0 : copy.originalSequence ?? 0;
      if (of === workSequence) return copy.sequence;
      if (of < workSequence) low = copy.sequence;
      else high = middle;
    }
  }
  return undefined;
}

/** Since when there is this work stream, in milliseconds: what was stored before is of another. */
async function workStreamCreatedMs(connection: Connection): Promise<number> {
  try {
    const manager = await jetstreamManager(connection.nats, { checkAPI: false });
    return Date.parse((await manager.streams.info(WORK_STREAM)).created);
  } catch {
    return Infinity; // It is gone, or may not be asked.
  }
}

/**
 * How much is in the two streams.
 *
 * @module
 */
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { type Connection, StreamError } from "@ourocodus/bus";
import { ALL_RESULTS, LOG_STREAM, messageOf, WORK_STREAM } from "@ourocodus/protocol";

/** Messages and bytes in the streams; zero for a stream that nobody has made yet. */
export interface StreamNumbers {
  /** Work without a result: waiting, or in an agent's hands. */
  readonly work: { readonly messages: number; readonly bytes: number };
  /** The whole log: results, events and dead letters; `results` are those alone. */
  readonly log: { readonly messages: number; readonly bytes: number; readonly results: number };
}

/**
 * Counts.
 *
 * @throws {StreamError} If JetStream does not answer.
 */
export async function streamNumbers(connection: Connection): Promise<StreamNumbers> {
  try {
    const { streams } = await jetstreamManager(connection.nats, { checkAPI: false });
    const info = async (name: string, filter?: string) => {
      try {
        return (await streams.info(name, filter ? { subjects_filter: filter } : undefined)).state;
      } catch (error) {
        if (error instanceof JetStreamApiError && error.code === STREAM_NOT_FOUND) return undefined;
        throw error;
      }
    };
    const work = await info(WORK_STREAM);
    const log = await info(LOG_STREAM, ALL_RESULTS);
    const results = Object.values(log?.subjects ?? {}).reduce((sum, count) => sum + count, 0);
    return {
      work: { messages: work?.messages ?? 0, bytes: work?.bytes ?? 0 },
      log: { messages: log?.messages ?? 0, bytes: log?.bytes ?? 0, results },
    };
  } catch (error) {
    const why = messageOf(error);
    throw new StreamError(`Cannot count what is in the streams: ${why}`, { cause: error });
  }
}

const STREAM_NOT_FOUND = 10059;

/**
 * How much is in the two streams.
 *
 * @module
 */
import { JetStreamApiError, jetstreamManager } from "@nats-io/jetstream";
import { type Connection, StreamError } from "@ourocodus/bus";
import {
  LOG_STREAM,
  messageOf,
  NEWER_LOG_SUBJECTS,
  parseSubject,
  WORK_STREAM,
} from "@ourocodus/protocol";

/** Messages and bytes in the streams; zero for a stream that nobody has made yet. */
export interface StreamNumbers {
  /** Work without a result: waiting, or in an agent's hands. */
  readonly work: { readonly messages: number; readonly bytes: number };
  /** The whole log: outcomes, events, attempts, dead letters and copies; `results` are the outcomes alone. */
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
    const log = await info(LOG_STREAM);
    // Each outcome has a subject of its own, so the others are counted, which are few.
    const filters = log === undefined ? [] : [...SHORT_SUBJECTS, ...NEWER_LOG_SUBJECTS];
    const states = await Promise.all(filters.map((filter) => info(LOG_STREAM, filter)));
    const others = states.flatMap((state) => Object.entries(state?.subjects ?? {}));
    let results = (log?.num_subjects ?? 0) - others.length;
    for (const [subject, count] of others) {
      // Outcomes that a version before has stored.
      if (parseSubject(subject)?.kind === "results") results += count;
    }
    return {
      work: { messages: work?.messages ?? 0, bytes: work?.bytes ?? 0 },
      log: { messages: log?.messages ?? 0, bytes: log?.bytes ?? 0, results },
    };
  } catch (error) {
    const why = messageOf(error);
    throw new StreamError(`Cannot count what is in the streams: ${why}`, { cause: error });
  }
}

/** All that the log has but what has a subject of its own: outcomes, attempts, questions, answers. */
export const SHORT_SUBJECTS = ["sessions.*.*", "sessions.*.*.*"] as const;
const STREAM_NOT_FOUND = 10059;

/**
 * Sending work: publishing to `sessions.{session}.work.{role}` so that nothing is lost and nothing
 * is stored twice; work_sender.ts has how.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { PublishError } from "./errors.ts";
import type { StreamLimits } from "./streams.ts";
import { workSubject } from "./subjects.ts";
import { WorkSender } from "./work_sender.ts";

/** A piece of work to send: either its payload, or the whole message as text. */
export type Work =
  & {
    readonly session: string;
    readonly role: string;
    /** 1 to 128 printable characters; the same as in `text`. */
    readonly id: string;
    /**
     * Its `Nats-Msg-Id`: of what has the same, one is stored within the stream's duplicate window;
     * by default one made of session, role and id. ASCII without blanks.
     */
    readonly messageId?: string;
    /** Further headers; neither names nor values may contain line breaks. */
    readonly headers?: Readonly<Record<string, string>>;
  }
  & (
    | { readonly payload: object; readonly text?: undefined }
    | { readonly text: string; readonly payload?: undefined }
  );

/** What became of a piece of work that the server has. */
export interface SentWork {
  readonly id: string;
  readonly subject: string;
  /** Its sequence in the stream `OUROCODUS_WORK`: the work's identity. */
  readonly sequence: number;
  /**
   * Whether the session and role had a message with this id already, within the stream's duplicate
   * window; `sequence` is that one's, and nothing was stored.
   */
  readonly duplicate: boolean;
}

/** Options of {@linkcode sendWork}. */
export interface SendOptions {
  /** For how long nothing at all may be acknowledged, in milliseconds; 10 000 by default. */
  readonly timeoutMs?: number;
  /** After how long without acknowledgement a message is published again, in milliseconds; 5000. */
  readonly ackTimeoutMs?: number;
  /** Limits for the streams, in case they don't exist yet and are made. */
  readonly limits?: StreamLimits;
  readonly signal?: AbortSignal;
}

/** Options of {@linkcode sendAllWork}. */
export interface SendAllOptions<W extends Work> extends SendOptions {
  /** For how long nothing at all may be acknowledged, in milliseconds; 60 000 by default. */
  readonly timeoutMs?: number;
  /** As many messages may wait for their acknowledgement; 2048 by default, 1 at least. */
  readonly window?: number;
  /** As many bytes of them; 8 MiB by default. One message always may. */
  readonly windowBytes?: number;
  /** Told of every message that the server has. */
  readonly onSent?: (work: W, sent: SentWork) => void;
  /** Told of every message that was refused. */
  readonly onFailed?: (work: W, error: PublishError) => void;
}

/** What {@linkcode sendAllWork} did. */
export interface SendSummary {
  /** Messages that are stored now and were not before. */
  readonly stored: number;
  /** Messages that were stored before, under the same session, role and id. */
  readonly duplicates: number;
  /** Messages that were refused. */
  readonly failed: number;
  /** Messages that were published, but whose fate is unknown. */
  readonly unconfirmed: number;
  /**
   * Why it ended before the source did: a `PublishError` that would have met every further
   * message, what the source threw, or the signal's reason. Undefined if it got to the end.
   */
  readonly stopped?: Error;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Sends one piece of work and waits until the server has stored it. The streams are made if they
 * don't exist.
 *
 * @throws {PublishError} If it is larger than the server takes, was refused, or was not
 * acknowledged in time (it may be stored then: sending it again with the same id is safe).
 * @throws {InvalidNameError} If the session or the role cannot stand in a subject.
 * @throws The signal's reason, if it was aborted.
 */
export async function sendWork(
  connection: Connection,
  work: Work,
  options: SendOptions = {},
): Promise<SentWork> {
  workSubject(work.session, work.role);
  let sent: SentWork | undefined;
  let failure: Error | undefined;
  const { stopped } = await sendAllWork(connection, [work], {
    timeoutMs: DEFAULT_TIMEOUT_MS,
    ...options,
    onSent: (_, value) => sent = value,
    onFailed: (_, error) => failure = error,
  });
  if (sent !== undefined) return sent;
  throw failure ?? stopped ?? new PublishError(`Cannot send ${work.id}: not acknowledged`);
}

/**
 * Sends any number of pieces of work, many at a time, and waits until each is acknowledged. A lost
 * connection or a restarted server only delays it.
 *
 * @param source Read no faster than the server stores. It is closed if sending ends early.
 * @returns The counts. It does not throw for what goes wrong with messages or with the server.
 * @throws {RangeError} If the window is not a whole number from 1.
 */
export async function sendAllWork<W extends Work>(
  connection: Connection,
  source: Iterable<W> | AsyncIterable<W>,
  options: SendAllOptions<W> = {},
): Promise<SendSummary> {
  const { window } = options;
  if (window !== undefined && (!Number.isSafeInteger(window) || window < 1)) {
    throw new RangeError(`window is ${window}, it must be a whole number from 1`);
  }
  return await new WorkSender(connection, options).run(source);
}

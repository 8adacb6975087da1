/**
 * How work is sent, and what is told of it.
 *
 * @module
 */
import type { PublishError, StreamLimits } from "@ourocodus/bus";
import type { Work } from "./prepare_work.ts";

/** What became of a work item that the server has. */
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
  /**
   * Whether the server had a message with this `Nats-Msg-Id`: another one, or this one, which was
   * published twice because its acknowledgement was slow. `sendWork` compares the two.
   */
  readonly known: boolean;
}

/** Options of `sendWork`. */
export interface SendOptions {
  /** For how long nothing at all may be acknowledged, in milliseconds; 10 000 by default. */
  readonly timeoutMs?: number;
  /** After how long without acknowledgement a message is published again, in milliseconds; 5000. */
  readonly ackTimeoutMs?: number;
  /** Limits for the streams, in case they don't exist yet and are made. */
  readonly limits?: StreamLimits;
  readonly signal?: AbortSignal;
}

/** Options of `sendAllWork`. */
export interface SendAllOptions<W extends Work> extends SendOptions {
  /** For how long nothing at all may be acknowledged, in milliseconds; 60 000 by default. */
  readonly timeoutMs?: number;
  /** Maximum unacknowledged messages; 2048 by default, 1 at least. */
  readonly window?: number;
  /** Maximum unacknowledged bytes; 8 MiB by default. A single message may exceed it. */
  readonly windowBytes?: number;
  /**
   * Told of every message that the server has. A `known` one was not compared with what is stored,
   * see `takenIds`.
   */
  readonly onSent?: (work: W, sent: SentWork) => void;
  /** Told of every message that was refused. */
  readonly onFailed?: (work: W, error: PublishError) => void;
}

/** What `sendAllWork` did. */
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

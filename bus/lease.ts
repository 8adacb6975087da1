/**
 * A lease is the right to work on one delivery of a piece of work. Its text is JetStream's
 * acknowledgement subject for that delivery, which says all there is to know:
 *
 * ```
 * $JS.ACK.<stream>.<consumer>.<attempt>.<sequence>.<delivery>.<time, ns>.<pending>
 * $JS.ACK.<domain>.<account>.<stream>.<consumer>.<attempt>.<sequence>.<delivery>.<time>.<pending>[.<random>]
 * ```
 *
 * (NATS' ADR-15.) Agents treat it as opaque. Whatever an agent sends as a lease is parsed here
 * before anything is published to it: it names a stream and a consumer, so it could otherwise
 * acknowledge somebody else's message.
 *
 * @module
 */
import { WORK_STREAM } from "./streams.ts";

/** A lease, taken apart. */
export interface Lease {
  /** The whole text: the subject to which acknowledgements are published. */
  readonly subject: string;
  /** The consumer, which stands for one session and role, see `consumerName`. */
  readonly consumer: string;
  /** How often this piece of work has been delivered, this time included. */
  readonly attempt: number;
  /** The piece of work's sequence in the work stream. */
  readonly sequence: number;
  /**
   * The identity of the piece of work: its sequence and the time (ns) at which it was stored. The
   * time tells it from one with the same sequence in a stream that was removed and made again.
   */
  readonly work: string;
  /** When the piece of work was stored, in milliseconds since 1970. */
  readonly storedAtMs: number;
}

const DIGITS = /^\d{1,19}$/;
/** Can be published to, wildcards left out: what an agent sends must not make a publish throw. */
const SUBJECT = /^[!-)+-=?-~]+$/;
const SHORT_TOKENS = 9;

/**
 * Takes a lease apart.
 *
 * @param subject What an agent or JetStream says is a lease.
 * @returns `undefined` if it is not one of the work stream's.
 */
export function parseLease(subject: string): Lease | undefined {
  if (!subject.startsWith("$JS.ACK.") || subject.length > 512) return undefined;
  const tokens = subject.split(".");
  if (tokens.length !== SHORT_TOKENS && tokens.length !== 11 && tokens.length !== 12) {
    return undefined;
  }
  const at = tokens.length === SHORT_TOKENS ? 2 : 4;
  const consumer = tokens[at + 1] ?? "";
  const numbers = tokens.slice(at + 2, at + 7);
  if (tokens[at] !== WORK_STREAM || !SUBJECT.test(subject) || tokens.includes("")) {
    return undefined;
  }
  if (!numbers.every((token) => DIGITS.test(token))) return undefined;
  const [attempt = "", sequence = "", , time = ""] = numbers;
  return {
    subject,
    consumer,
    attempt: Number(attempt),
    sequence: Number(sequence),
    work: `${sequence}.${time}`,
    storedAtMs: Math.floor(Number(time) / 1e6),
  };
}

/** When a lease's work was stored, to the millisecond. */
export function workStoredAt(lease: Lease): Date {
  return new Date(lease.storedAtMs);
}

/** Takes a piece of work's identity apart, or `undefined` if the text is none. */
export function workPlace(
  identity: string,
): { readonly sequence: number; readonly storedAt: Date } | undefined {
  const [, sequence, time] = /^(\d{1,16})\.(\d{1,19})$/.exec(identity) ?? [];
  if (sequence === undefined || time === undefined) return undefined;
  return { sequence: Number(sequence), storedAt: fromNanoseconds(time) };
}

function fromNanoseconds(time: string): Date {
  return new Date(Math.floor(Number(time) / 1e6));
}

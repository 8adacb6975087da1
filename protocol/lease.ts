/**
 * A lease is the right to work on one delivery of a work item. Its text is JetStream's
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
import { WORK_STREAM } from "./subjects.ts";

/** A lease, taken apart. */
export interface Lease {
  /** The whole text: the subject to which acknowledgements are published. */
  readonly subject: string;
  /** The key of the role whose work it is, see `RoleId`: the queue names consumers so. */
  readonly roleKey: string;
  /** How often this work item has been delivered, this time included. */
  readonly attempt: number;
  /** The work item's sequence in the work stream. */
  readonly sequence: number;
  /**
   * The identity of the work item: its sequence and the time (ns) at which it was stored. The
   * time tells it from one with the same sequence in a stream that was removed and made again.
   */
  readonly work: string;
  /** When the work item was stored, in milliseconds since 1970. */
  readonly storedAtMs: number;
}

const MAX_DIGITS = 19;
/** No lease is longer. */
export const MAX_LEASE_CHARACTERS = 512;
/** Can be published to, wildcards left out: what an agent sends must not make a publish throw. */
const SUBJECT = /^[!-)+-=?-~]+$/;
const PREFIX = "$JS.ACK.";
const SHORT_PREFIX = `${PREFIX}${WORK_STREAM}.`;

/**
 * Takes a lease apart. Done for every delivery, so without a string or an array for each token.
 *
 * @param subject What an agent or JetStream says is a lease.
 * @returns `undefined` if it is not one of the work stream's.
 */
export function parseLease(subject: string): Lease | undefined {
  if (
    !subject.startsWith(PREFIX) || subject.length > MAX_LEASE_CHARACTERS || !SUBJECT.test(subject)
  ) {
    return undefined;
  }
  // A domain may be called like the stream.
  const short = subject.startsWith(SHORT_PREFIX)
    ? parseDelivery(subject, SHORT_PREFIX.length, subject.length)
    : undefined;
  return short ?? parseLong(subject);
}

/** The form with a domain and an account before the stream, and perhaps a token at the end. */
function parseLong(subject: string): Lease | undefined {
  const account = tokenEnd(subject, PREFIX.length) + 1;
  const stream = tokenEnd(subject, account) + 1;
  if (account === 0 || stream === 0 || !subject.startsWith(`${WORK_STREAM}.`, stream)) {
    return undefined;
  }
  const consumer = stream + WORK_STREAM.length + 1;
  const lastToken = subject.lastIndexOf(".") + 1;
  return parseDelivery(subject, consumer, subject.length) ??
    (lastToken < subject.length ? parseDelivery(subject, consumer, lastToken - 1) : undefined);
}

/** `<consumer>.<attempt>.<sequence>.<delivery>.<time>.<pending>`, from one place to another. */
function parseDelivery(subject: string, start: number, end: number): Lease | undefined {
  const attempt = tokenEnd(subject, start) + 1;
  const sequence = digitsEnd(subject, attempt) + 1;
  const delivery = digitsEnd(subject, sequence) + 1;
  const time = digitsEnd(subject, delivery) + 1;
  const pending = digitsEnd(subject, time) + 1;
  if (digitsEnd(subject, pending) !== end) return undefined;
  const stored = subject.slice(time, pending - 1);
  const ordinal = subject.slice(sequence, delivery - 1);
  return {
    subject,
    roleKey: subject.slice(start, attempt - 1),
    attempt: Number(subject.slice(attempt, sequence - 1)),
    sequence: Number(ordinal),
    work: `${ordinal}.${stored}`,
    storedAtMs: Math.floor(Number(stored) / 1e6),
  };
}

/** Where a token that is not empty ends: at a full stop; -1 if there is none, or `start` is 0. */
function tokenEnd(subject: string, start: number): number {
  const end = start === 0 ? -1 : subject.indexOf(".", start);
  return end === start ? -1 : end;
}

/** Where digits end: at a full stop or at the end; -1 if they do not, or `start` is 0. */
function digitsEnd(subject: string, start: number): number {
  if (start === 0) return -1;
  let end = start;
  while (end < subject.length && isDigit(subject.charCodeAt(end))) end++;
  const ends = end === subject.length || subject[end] === ".";
  return ends && end > start && end - start <= MAX_DIGITS ? end : -1;
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** When a lease's work was stored, to the millisecond. */
export function workStoredAt(lease: Lease): Date {
  return new Date(lease.storedAtMs);
}

/** Takes a work item's identity apart, or `undefined` if the text is none. */
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

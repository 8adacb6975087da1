/**
 * Reading one message of a stream (NATS' ADR-31, JetStream Direct Get).
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { messageOf, StreamError } from "./errors.ts";
import { MessageHeaders } from "./message_headers.ts";

/** A message, as a stream holds it. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** When it was stored, in nanoseconds since 1970, in decimal digits. */
  readonly timeNs: string;
  readonly data: Uint8Array;
  /** Of a copy in the log: the sequence of its original. */
  readonly originalSequence: number | undefined;
  /** A header's value; of several the first. */
  header(name: string): string | undefined;
}

const TIMEOUT_MS = 5_000;
const NOT_FOUND = 404;
const SERVER_HEADERS = ["Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"] as const;

/**
 * Reads a message.
 *
 * @returns `undefined` if the stream has no message with this sequence (any more).
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readStored(
  connection: Connection,
  stream: string,
  sequence: number,
): Promise<StoredMessage | undefined> {
  return await get(connection, stream, { seq: sequence });
}

/**
 * Reads the first message of a subject after a sequence.
 *
 * @param subject May have wildcards.
 * @returns `undefined` if the stream has none.
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readNextOf(
  connection: Connection,
  stream: string,
  subject: string,
  after: number,
): Promise<StoredMessage | undefined> {
  return await get(connection, stream, { seq: after + 1, next_by_subj: subject });
}

/**
 * Reads the newest message of a subject.
 *
 * @param subject May have wildcards.
 * @returns `undefined` if the stream has none.
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readLastOf(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  return await get(connection, stream, { last_by_subj: subject });
}

async function get(
  connection: Connection,
  stream: string,
  which: {
    readonly seq?: number;
    readonly next_by_subj?: string;
    readonly last_by_subj?: string;
  },
): Promise<StoredMessage | undefined> {
  const named = which.last_by_subj ?? which.next_by_subj ?? which.seq;
  const fail = (why: string, cause?: unknown) =>
    new StreamError(`Cannot read message ${named} of ${stream}: ${why}`, { cause });
  const api = `$JS.API.DIRECT.GET.${stream}`;
  const reply = await connection.request(api, JSON.stringify(which), TIMEOUT_MS).catch((error) => {
    throw fail(messageOf(error), error);
  });
  const headers = new MessageHeaders(reply);
  const { code, description } = headers.status;
  if (code === NOT_FOUND) return undefined;
  // What the message itself has under these names stands before what the server says.
  const [subject, sequence, time] = SERVER_HEADERS.map((name) => headers.last(name));
  if (code >= 300 || subject === undefined || sequence === undefined || time === undefined) {
    throw fail(code === 0 ? "the answer has no headers" : `${code} ${description}`);
  }
  return {
    subject,
    sequence: Number(sequence),
    timeNs: nanoseconds(time),
    data: reply.data.slice(),
    // What the server said when it made the copy stands right before what it says of the copy.
    originalSequence: Number(headers.values("Nats-Sequence").at(-2)) || undefined,
    header: (name) => headers.first(name),
  };
}

/** `2026-11-23T18:42:37.9201061Z` → `1795459357920106100`. */
function nanoseconds(timestamp: string): string {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return `${Date.parse(`${seconds}Z`) / 1_000}${fraction.padEnd(9, "0")}`;
}

/**
 * Reading one message of a stream (NATS' ADR-31, JetStream Direct Get).
 *
 * In a cluster any server that has a copy of the stream answers a direct get, also one that is behind
 * the others or has just come back to them: to it, what was stored meanwhile is not there, and what
 * was removed still is. So where much hangs on the answer, the stream's leader is asked.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import type { Msg } from "@nats-io/nats-core";
import { isObject, messageOf, parseObject } from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";
import { StreamError } from "./nats_errors.ts";
import { MessageHeaders } from "./nats_js/message_headers.ts";

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
/** JetStream's error code, which comes with 404 too. */
const STREAM_NOT_FOUND = 10059;
const SERVER_HEADERS = ["Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"] as const;

/**
 * Reads a message; in a cluster, the leader's.
 *
 * @returns `undefined` if the stream has no message with this sequence (any more).
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readStored(
  connection: Connection,
  stream: string,
  sequence: number,
): Promise<StoredMessage | undefined> {
  return await getSurely(connection, stream, { seq: sequence });
}

/**
 * Reads the first message of a subject after a sequence, as any server has it.
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
 * Reads the first message of a subject after a sequence; in a cluster, the leader's.
 *
 * @returns `undefined` if the stream has none.
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readSurelyNextOf(
  connection: Connection,
  stream: string,
  subject: string,
  after: number,
): Promise<StoredMessage | undefined> {
  return await getSurely(connection, stream, { seq: after + 1, next_by_subj: subject });
}

/**
 * Reads the newest message of a subject, as any server has it.
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

/**
 * Reads the newest message of a subject; in a cluster, the leader's.
 *
 * @returns `undefined` if the stream has none.
 * @throws {StreamError} If the stream cannot be asked.
 */
export async function readSurelyLastOf(
  connection: Connection,
  stream: string,
  subject: string,
): Promise<StoredMessage | undefined> {
  return await getSurely(connection, stream, { last_by_subj: subject });
}

/** Which message; one of these. */
interface Which {
  readonly seq?: number;
  readonly next_by_subj?: string;
  readonly last_by_subj?: string;
}

async function getSurely(
  connection: Connection,
  stream: string,
  which: Which,
): Promise<StoredMessage | undefined> {
  return await (connection.isClustered ? getOfLeader : get)(connection, stream, which);
}

async function get(
  connection: Connection,
  stream: string,
  which: Which,
): Promise<StoredMessage | undefined> {
  const reply = await ask(connection, { api: "DIRECT.GET", stream, which });
  const headers = new MessageHeaders(reply);
  const { code, description } = headers.status;
  if (code === NOT_FOUND) return undefined;
  // What the message itself has under these names stands before what the server says.
  const [subject, sequence, time] = SERVER_HEADERS.map((name) => headers.last(name));
  if (code >= 300 || subject === undefined || sequence === undefined || time === undefined) {
    const why = code === 0 ? "the answer has no headers" : `${code} ${description}`;
    throw cannotRead(stream, which, why);
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

async function getOfLeader(
  connection: Connection,
  stream: string,
  which: Which,
): Promise<StoredMessage | undefined> {
  const reply = await ask(connection, { api: "STREAM.MSG.GET", stream, which });
  const { error, message } = parseObject(reply.string()) ?? {};
  if (isObject(error) && error.code === NOT_FOUND && error.err_code !== STREAM_NOT_FOUND) {
    return undefined;
  }
  if (!isObject(message)) {
    const why = isObject(error) ? `${error.code} ${error.description}` : "the answer has none";
    throw cannotRead(stream, which, why);
  }
  const { subject, seq, time, hdrs, data } = message;
  const headers = new MessageHeaders(bytesOf(hdrs));
  return {
    subject: String(subject),
    sequence: Number(seq),
    timeNs: nanoseconds(String(time)),
    data: bytesOf(data),
    originalSequence: Number(headers.last("Nats-Sequence")) || undefined,
    header: (name) => headers.first(name),
  };
}

async function ask(
  connection: Connection,
  { api, stream, which }: { readonly api: string; readonly stream: string; readonly which: Which },
): Promise<Msg> {
  const subject = `$JS.API.${api}.${stream}`;
  return await connection.request(subject, JSON.stringify(which), TIMEOUT_MS).catch((error) => {
    throw cannotRead(stream, which, messageOf(error), error);
  });
}

/** When a message was stored, in milliseconds since 1970. */
export function storedAtMs({ timeNs }: Pick<StoredMessage, "timeNs">): number {
  return Number(timeNs.slice(0, -6));
}

function cannotRead(stream: string, which: Which, why: string, cause?: unknown): StreamError {
  const named = which.last_by_subj ?? which.next_by_subj ?? which.seq;
  return new StreamError(`Cannot read message ${named} of ${stream}: ${why}`, { cause });
}

/** What is in base64; none if there is nothing. */
function bytesOf(base64: unknown): Uint8Array {
  return typeof base64 === "string" ? Buffer.from(base64, "base64") : new Uint8Array();
}

/** `2026-11-23T18:42:37.9201061Z` → `1795459357920106100`; no digits if it is no time. */
export function nanoseconds(timestamp: string): string {
  const [, seconds = "", fraction = ""] = /^(.*?)(?:\.(\d+))?Z$/.exec(timestamp) ?? [];
  return `${Date.parse(`${seconds}Z`) / 1_000}${fraction.padEnd(9, "0")}`;
}

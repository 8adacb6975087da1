/**
 * What JetStream answers to a publish (NATS' ADR-22 has its form), and how to publish and wait for
 * it. Any subscriber may answer too, and be faster: what is not JetStream's is
 * passed over.
 *
 * @module
 */
import { ClosedConnectionError, headers as newHeaders, type Msg } from "@nats-io/nats-core";
import { isObject, LOG_STREAM, messageOf, parseObject } from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";
import { PublishError } from "./nats_errors.ts";
import { NO_RESPONDERS, statusOf } from "./nats_js/message_headers.ts";

/** What became of a publish. */
export type PublishAck =
  | {
    readonly kind: "stored";
    readonly stream: string;
    /** Where it is; of a duplicate, where the first one is. */
    readonly sequence: number;
    /** Whether a message of the same `Nats-Msg-Id` was stored before, and this one was not. */
    readonly duplicate: boolean;
  }
  | {
    readonly kind: "refused";
    readonly reason: string;
    /** Like an HTTP status: 503 if JetStream is not available just now. */
    readonly code: number;
    /** JetStream's own error code. */
    readonly errorCode: number;
  }
  /** No stream takes the subject, or JetStream is away; nobody else listens either. */
  | { readonly kind: "nobody" }
  /** It is not JetStream that answers. */
  | { readonly kind: "foreign" };

/** JetStream's error code where a message expects another last sequence of its subject. */
const WRONG_LAST_SEQUENCE = 10071;
/** The same, in a cluster, while another message of the subject is on its way, which may fail. */
const WRONG_LAST_SEQUENCE_YET = 10164;
/** Then it is published again after so long, in milliseconds. */
const RETRY_MS = 100;

/** Whether a message was refused because its subject has one already, or is about to have one. */
export function isFencedOff(ack: PublishAck): boolean {
  return ack.kind === "refused" &&
    (ack.errorCode === WRONG_LAST_SEQUENCE || ack.errorCode === WRONG_LAST_SEQUENCE_YET);
}

/** How a message is published. */
export interface PublishOptions {
  readonly headers: Readonly<Record<string, string>>;
  /** The stream that stores it. */
  readonly stream: string;
  /** How long that may take, in milliseconds. */
  readonly timeoutMs: number;
}

/** What JetStream's word begins with that the log has stored something. */
const IN_LOG = new TextEncoder().encode(`{"stream":"${LOG_STREAM}",`);
const CLOSING_BRACE = 125;

/**
 * Whether a message is JetStream's plain word that the log has stored something now:
 * `{"stream":"OUROCODUS_LOG","seq":17}`. Nearly all acknowledgements are, and this takes a tenth of
 * what parsing does.
 */
export function isStoredInLog({ data }: Msg): boolean {
  const last = data.length - 1;
  // What else an acknowledgement may say ends with `true}` or `"}`.
  if (last <= IN_LOG.length || data[last] !== CLOSING_BRACE || !isDigit(data[last - 1])) {
    return false;
  }
  for (let at = 0; at < IN_LOG.length; at++) if (data[at] !== IN_LOG[at]) return false;
  return true;
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

/** Takes an acknowledgement apart. */
export function parsePublishAck(msg: Msg): PublishAck {
  if (statusOf(msg).code === NO_RESPONDERS) return { kind: "nobody" };
  const answer = parseObject(msg.string());
  const { error, stream, seq, duplicate } = answer ?? {};
  if (isObject(error)) {
    const { code, err_code, description } = error;
    if (typeof code !== "number" || typeof err_code !== "number") return { kind: "foreign" };
    const reason = typeof description === "string" ? description : "no reason given";
    return { kind: "refused", reason, code, errorCode: err_code };
  }
  if (typeof stream !== "string" || !Number.isSafeInteger(seq)) return { kind: "foreign" };
  return { kind: "stored", stream, sequence: Number(seq), duplicate: duplicate === true };
}

/**
 * Publishes a message, and waits until it is stored.
 *
 * @returns Where it is; `duplicate` if it was not stored, because one of the same `Nats-Msg-Id` was before,
 * or because its subject had to have none (`FENCE`; then `sequence` is 0).
 * @throws {PublishError} If it was refused, or was not acknowledged in time.
 */
export async function publishStored(
  connection: Connection,
  subject: string,
  text: string,
  { headers, stream, timeoutMs }: PublishOptions,
): Promise<{ readonly sequence: number; readonly duplicate: boolean }> {
  const set = newHeaders();
  for (const [name, value] of Object.entries(headers)) set.set(name, value);
  const { promise: answered, resolve, reject } = Promise.withResolvers<
    PublishAck & { kind: "stored" }
  >();
  const inbox = connection.createInbox();
  const subscription = connection.subscribe(inbox, (error, msg) => {
    if (error) return reject(error);
    const ack = parsePublishAck(msg);
    if (ack.kind === "stored" && ack.stream === stream) resolve(ack);
    else if (ack.kind === "refused" && ack.errorCode === WRONG_LAST_SEQUENCE) {
      resolve({ kind: "stored", stream, sequence: 0, duplicate: true });
    } else if (ack.kind === "refused" && ack.errorCode === WRONG_LAST_SEQUENCE_YET) {
      retry = setTimeout(publish, RETRY_MS);
    } else if (ack.kind === "refused") reject(new Error(ack.reason));
    else if (ack.kind === "nobody") reject(new Error("no stream takes it"));
  });
  answered.catch(() => {}); // Where publishing fails, that is the error to tell.
  subscription.closed.then(() => reject(new ClosedConnectionError()));
  const publish = () => connection.nats.publish(subject, text, { headers: set, reply: inbox });
  let retry: ReturnType<typeof setTimeout> | undefined;
  const timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    publish();
    const { sequence, duplicate } = await answered;
    return { sequence, duplicate };
  } catch (error) {
    throw new PublishError(`Cannot store in ${subject}: ${messageOf(error)}`, { cause: error });
  } finally {
    clearTimeout(timer);
    clearTimeout(retry);
    subscription.unsubscribe();
  }
}

/**
 * Dead letters: listing them, and sending one again.
 *
 * @module
 */
import {
  type Connection,
  type LogRecord,
  readLog,
  type ReadLogOptions,
  type StreamLimits,
} from "@ourocodus/bus";
import { deadSubject, LOG_HEADER, parseMessage, storedSubject } from "@ourocodus/protocol";
import { deadLetter } from "./dead_letter_record.ts";
import type { SentWork } from "./send_options.ts";
import { sendWork } from "./send_work.ts";
import type { DeadLetter } from "./work_trace_types.ts";

/** Options of {@linkcode deadLetters}. */
export interface DeadLettersOptions {
  /** Only of this role. */
  readonly role?: string;
  /** Only those with a lower sequence in the log. */
  readonly before?: number;
  /** At most so many; 100 by default. */
  readonly limit?: number;
  /** Also those that were sent again. */
  readonly all?: boolean;
  readonly signal?: AbortSignal;
}

/** A page of dead letters. */
export interface DeadLetterPage {
  /** Newest first. */
  readonly items: readonly DeadLetter[];
  /** `before` of the next page; null if there is none. */
  readonly nextBefore: number | null;
}

/** What became of a dead letter that was to be sent again. */
export type Retried =
  | { readonly kind: "retried"; readonly sent: SentWork; readonly dead: DeadLetter }
  | { readonly kind: "not_found" }
  | { readonly kind: "already"; readonly work_sequence: number }
  | { readonly kind: "refused"; readonly reason: string };

/** Options of {@linkcode retryDeadLetter}. */
export interface RetryOptions {
  /** Also if it was sent again before. */
  readonly again?: boolean;
  /** Limits for the streams, in case they don't exist any more and are made. */
  readonly limits?: StreamLimits;
  readonly signal?: AbortSignal;
}

const DEFAULT_LIMIT = 100;

/**
 * Lists a session's dead letters.
 *
 * @throws {StreamError} If the log cannot be read.
 * @throws {InvalidNameError} If session or role is malformed.
 */
export async function deadLetters(
  connection: Connection,
  session: string,
  options: DeadLettersOptions = {},
): Promise<DeadLetterPage> {
  const { role = "*", limit = DEFAULT_LIMIT, all = false, signal } = options;
  const items: DeadLetter[] = [];
  const retried = new Map<number, number>();
  let lookedFrom: number | undefined;
  let before = options.before;
  // One more than asked for tells whether there is a next page.
  const last = limit + 1;
  for (;;) {
    const page = await Array.fromAsync(
      readLog(connection, deadSubject(session, role), { last, before, signal }),
    );
    signal?.throwIfAborted();
    const oldest = page[0]?.sequence;
    if (oldest === undefined) return { items, nextBefore: null };
    // They were sent again later; what is older is not looked through, it may be very much.
    const range = { fromSequence: oldest, before: lookedFrom, signal };
    await addRetried(retried, copiesOf(connection, { session, role }, range));
    lookedFrom = oldest;
    for (const record of page.reverse()) {
      const letter = deadLetter(record, retried.get(record.sequence));
      if (!all && letter.requeued_as !== null) continue;
      if (items.length === limit) return { items, nextBefore: items.at(-1)?.sequence ?? null };
      items.push(letter);
    }
    if (page.length < last) return { items, nextBefore: null };
    before = oldest;
  }
}

/**
 * Sends a dead letter's work again, as it was. Two who do so at once store it once.
 *
 * @param sequence The dead letter's in the log.
 * @throws {StreamError} If the log cannot be read.
 * @throws {PublishError} If it cannot be stored.
 */
export async function retryDeadLetter(
  connection: Connection,
  session: string,
  sequence: number,
  options: RetryOptions = {},
): Promise<Retried> {
  const { again = false, limits, signal } = options;
  const record = await recordOf(connection, session, sequence, signal);
  if (record?.role === undefined) return { kind: "not_found" };
  const { role } = record;
  const retried = new Map<number, number>();
  const range = { fromSequence: sequence, signal };
  await addRetried(retried, copiesOf(connection, { session, role }, range));
  const before = retried.get(sequence);
  if (before !== undefined && !again) return { kind: "already", work_sequence: before };
  const dead = deadLetter(record, before);
  if (dead.cut_from_bytes !== null) {
    const reason = `the dead letter has ${record.text.length} characters of a message of ` +
      `${dead.cut_from_bytes} bytes: it is not whole`;
    return { kind: "refused", reason };
  }
  const parsed = parseMessage(record.text);
  if (parsed.kind === "invalid") {
    return { kind: "refused", reason: `it would be dead at once: ${parsed.reason}` };
  }
  const sent = await sendWork(connection, {
    ...{ session, role, id: parsed.message.id, text: record.text },
    messageId: `requeue.${sequence}${before === undefined ? "" : `.${before}`}`,
    headers: { [LOG_HEADER.requeued]: String(sequence) },
  }, { limits, signal });
  return { kind: "retried", sent, dead };
}

async function recordOf(
  connection: Connection,
  session: string,
  sequence: number,
  signal: AbortSignal | undefined,
): Promise<LogRecord | undefined> {
  const records = readLog(connection, deadSubject(session, "*"), {
    fromSequence: sequence,
    before: sequence + 1,
    signal,
  });
  for await (const record of records) return record.sequence === sequence ? record : undefined;
  return undefined;
}

/** The headers of the copies of a role's work. */
function copiesOf(
  connection: Connection,
  { session, role }: { readonly session: string; readonly role: string },
  range: ReadLogOptions,
): AsyncIterable<LogRecord> {
  return readLog(connection, storedSubject(session, role), { ...range, headersOnly: true });
}

/**
 * Notes which dead letters were sent again.
 *
 * @param retried The dead letter's sequence in the log → the newest sequence as which it was.
 */
async function addRetried(
  retried: Map<number, number>,
  copies: AsyncIterable<LogRecord>,
): Promise<void> {
  for await (const { header, work } of copies) {
    const dead = Number(header(LOG_HEADER.requeued) ?? NaN);
    if (!Number.isSafeInteger(dead) || work === undefined) continue;
    retried.set(dead, Math.max(work.sequence, retried.get(dead) ?? 0));
  }
}

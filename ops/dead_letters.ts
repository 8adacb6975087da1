/**
 * Listing dead letters.
 *
 * @module
 */
import { type Connection, readLog } from "@ourocodus/bus";
import { deadSubject, storedSubject } from "@ourocodus/protocol";
import { deadLetter } from "./dead_letter_record.ts";
import { Retries } from "./retries.ts";
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
  const retries = new Retries();
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
    const range = { fromSequence: oldest, before: lookedFrom, headersOnly: true, signal };
    for await (const copy of readLog(connection, storedSubject(session, role), range)) {
      retries.look(copy);
    }
    lookedFrom = oldest;
    for (const record of page.reverse()) {
      const letter = deadLetter(record, retries.of(record));
      if (!all && letter.requeued_as !== null) continue;
      if (items.length === limit) return { items, nextBefore: items.at(-1)?.sequence ?? null };
      items.push(letter);
    }
    if (page.length < last) return { items, nextBefore: null };
    before = oldest;
  }
}

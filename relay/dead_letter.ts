/**
 * Giving work up: an error result, so that anyone who waits learns of it, and the work itself as a
 * dead letter.
 *
 * @module
 */
import { type Connection, deadLetterId, type LogWriter, type Stored } from "@ourocodus/bus";
import { type Charge, formatMessage, LOG_HEADER } from "@ourocodus/protocol";

/** Why an attempt has ended, or work dies. */
export interface Reason {
  /** Machine-readable, in snake_case: `max_deliver`, `invalid_message`, … */
  readonly code: string;
  readonly message: string;
  /** Of work that dies of them: the attempts that were charged to it. */
  readonly charges?: readonly Charge[];
}

/** Work that dies. */
export interface DeadWork {
  /** The work's identity, see `Lease.work`. */
  readonly identity: string;
  /** The message's id. */
  readonly id: string;
  readonly session: string;
  readonly role: string;
  /** Where its error outcome goes. */
  readonly outcome: string;
  /** Where the dead letter goes. */
  readonly dead: string;
  /** How often it was tried. */
  readonly attempts: number;
  /** As it was published. */
  readonly data: Uint8Array;
}

/** What dead letters are stored with. */
export interface DeadLetterOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  /** Told if there is an error outcome but no dead letter. */
  readonly onProblem: (reason: string) => void;
}

/** The bytes of a dead letter's headers, at most; work that leaves less room is cut. */
const HEADER_BYTES = 4_096;

/**
 * Stores the error outcome and then the dead letter.
 *
 * @returns What became of the error outcome. Only if it is stored, the work is dead.
 */
export async function storeDeadLetter(
  work: DeadWork,
  reason: Reason,
  options: DeadLetterOptions,
): Promise<Stored> {
  const error = formatMessage(work.id, "error", {
    ...reason,
    attempts: work.attempts,
    session_id: work.session,
    role: work.role,
  });
  const first = await options.writer.store({
    subject: work.outcome,
    data: error,
    id: work.identity,
    headers: { [LOG_HEADER.outcome]: "dead" },
    fenced: true,
  });
  if (first.kind === "stored") await storeLetter(work, reason, options);
  return first;
}

/** Stores the dead letter of work whose error outcome is stored. */
export async function storeLetter(
  work: DeadWork,
  reason: Reason,
  { connection, writer, onProblem }: DeadLetterOptions,
): Promise<void> {
  const room = connection.maxPayloadBytes - HEADER_BYTES;
  const cut = work.data.length > room;
  const dead = await writer.store({
    subject: work.dead,
    data: cut ? work.data.subarray(0, room) : work.data,
    id: deadLetterId(work.identity),
    headers: {
      [LOG_HEADER.reason]: headerValue(reason.code),
      [LOG_HEADER.error]: headerValue(reason.message),
      [LOG_HEADER.attempts]: String(work.attempts),
      [LOG_HEADER.workSequence]: work.identity.slice(0, work.identity.indexOf(".")),
      ...(cut && { [LOG_HEADER.cut]: String(work.data.length) }),
    },
  });
  if (dead.kind === "refused") onProblem(`no dead letter of ${work.identity}: ${dead.reason}`);
}

/** A text as a NATS header value: one line, of bounded length. */
function headerValue(text: string): string {
  return text.replaceAll(/[\r\n]+/g, " ").slice(0, 1_000);
}

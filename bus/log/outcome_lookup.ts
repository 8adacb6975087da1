/**
 * Whether a work item has an outcome. An outcome has a subject of its own, so that is one read. Those
 * that versions before have stored are found among their role's results, for as long as the log has
 * any; nothing is added to them.
 *
 * @module
 */
import {
  LOG_HEADER,
  LOG_STREAM,
  outcomeSubject,
  resultsSubject,
  RoleId,
} from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { StreamError } from "../nats_errors.ts";
import { readSurelyLastOf, storedAtMs } from "../stored_message.ts";
import { identifiedWork } from "./identity.ts";
import { readLog } from "./log_reader.ts";

/** The clocks of a cluster's servers may differ by so much, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** What is known of the outcome that was accepted for a work item. */
export interface AcceptedOutcome {
  /** Its sequence in the log. */
  readonly sequence: number;
  /** Which attempt's it is; of a work item that was cancelled, no one's. */
  readonly attempt: number | undefined;
  /** What its header `Ourocodus-Outcome` says: `failed`, `dead`, `cancelled`; none is a result. */
  readonly outcome: string | undefined;
}

/** The work item that is asked about. */
export interface AskedOutcome {
  readonly session: string;
  readonly role: string;
  /** Its identity. */
  readonly work: string;
  /** When it was stored, in milliseconds since 1970. */
  readonly storedAtMs: number;
}

/** Old outcomes of one role, by the work item's identity. */
interface OldOutcomes {
  /** Those stored since then, in milliseconds since 1970. */
  readonly since: number;
  readonly outcomes: Promise<ReadonlyMap<string, AcceptedOutcome>>;
}

/** Looks outcomes up. */
export class OutcomeLookup {
  readonly #connection: Connection;
  /** The role's key → its old outcomes. */
  readonly #old = new Map<string, OldOutcomes>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * The outcome of a work item, if the log has one.
   *
   * @throws {StreamError} If the log cannot be read.
   */
  async find(asked: AskedOutcome): Promise<AcceptedOutcome | undefined> {
    const subject = outcomeSubject(asked.session, asked.role, asked.work);
    const stored = await readSurelyLastOf(this.#connection, LOG_STREAM, subject);
    return stored === undefined ? await this.#findOld(asked) : acceptedOutcome(stored);
  }

  async #findOld(
    { session, role, work, storedAtMs }: AskedOutcome,
  ): Promise<AcceptedOutcome | undefined> {
    const { key } = new RoleId(session, role);
    const since = storedAtMs - CLOCK_SKEW_MS;
    let old = this.#old.get(key);
    if (old === undefined || old.since > since) {
      old = { since, outcomes: this.#readOld(resultsSubject(session, role), since) };
      this.#old.set(key, old);
      old.outcomes.catch(() => this.#old.delete(key));
    }
    return (await old.outcomes).get(work);
  }

  async #readOld(
    subject: string,
    since: number,
  ): Promise<ReadonlyMap<string, AcceptedOutcome>> {
    const accepted = new Map<string, AcceptedOutcome>();
    const newest = await readSurelyLastOf(this.#connection, LOG_STREAM, subject);
    if (newest === undefined || storedAtMs(newest) < since) return accepted;
    let read = 0;
    const options = { since: new Date(since), headersOnly: true };
    for await (const record of readLog(this.#connection, subject, options)) {
      read = record.sequence;
      accepted.set(identifiedWork(record.messageId ?? ""), acceptedOutcome(record));
    }
    if (newest.sequence <= read) return accepted;
    throw new StreamError(`Cannot read all of ${subject}: its server is behind others`);
  }
}

/** What a stored outcome's headers say of it. */
export function acceptedOutcome(
  { sequence, header }: { readonly sequence: number; header(name: string): string | undefined },
): AcceptedOutcome {
  const outcome = header(LOG_HEADER.outcome);
  const attempt = outcome === "cancelled" ? undefined : Number(header(LOG_HEADER.attempt) ?? 1);
  return { sequence, attempt, outcome };
}

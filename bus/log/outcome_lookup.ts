/**
 * Finds out whether work that is handed out again has been answered already: its relay may have
 * died between storing the result and acknowledging the work, and the log's duplicate window may be
 * over by the time that a second result comes.
 *
 * @module
 */
import { type Lease, LOG_HEADER, LOG_STREAM, resultsSubject } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { StreamError } from "../nats_errors.ts";
import { readSurelyLastOf, type StoredMessage } from "../stored_message.ts";
import { plainIdentity } from "./identity.ts";
import { readLog } from "./log_reader.ts";

/** The clocks of a cluster's servers may differ by so much, in milliseconds. */
const CLOCK_SKEW_MS = 60_000;

/** What is known of the outcome that was accepted for a piece of work. */
export interface AcceptedOutcome {
  /** Its sequence in the log. */
  readonly sequence: number;
  /** Which attempt's it is; of a piece of work that was cancelled, no one's. */
  readonly attempt: number | undefined;
  /** What its header `Ourocodus-Outcome` says: `failed`, `dead`, `cancelled`; none is a result. */
  readonly outcome: string | undefined;
}

interface Lookup {
  /** In milliseconds. */
  readonly since: number;
  readonly accepted: Promise<ReadonlyMap<string, AcceptedOutcome>>;
}

/** Looks outcomes up; lookups for one role that are wanted at once are made once. */
export class OutcomeLookup {
  readonly #connection: Connection;
  /** Consumer's name → the lookup under way. */
  readonly #lookups = new Map<string, Lookup>();

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * The outcome of a lease's work, if the log has one. Reads the headers of all of the role's
   * results since the work was stored.
   *
   * @throws {StreamError} If the log cannot be read.
   */
  async find(session: string, role: string, lease: Lease): Promise<AcceptedOutcome | undefined> {
    const since = sinceStored(lease.storedAtMs);
    let lookup = this.#lookups.get(lease.roleKey);
    if (lookup === undefined || lookup.since > since) {
      lookup = { since, accepted: this.since(session, role, since) };
      const begun = lookup;
      this.#lookups.set(lease.roleKey, begun);
      const done = () => {
        if (this.#lookups.get(lease.roleKey) === begun) this.#lookups.delete(lease.roleKey);
      };
      lookup.accepted.then(done, done);
    }
    return (await lookup.accepted).get(lease.work);
  }

  /**
   * All outcomes of a role's work that was stored at a time, in milliseconds since 1970, or later;
   * as {@linkcode since} tells them.
   */
  async ofWorkSince(
    { session, role }: { readonly session: string; readonly role: string },
    storedAtMs: number,
  ): Promise<ReadonlyMap<string, AcceptedOutcome>> {
    return await this.since(session, role, sinceStored(storedAtMs));
  }

  /**
   * All outcomes of a role that were stored at a time, in milliseconds, or later, by the work's
   * identity.
   *
   * @throws {StreamError} If the log cannot be read, or only from a server that is behind others.
   */
  async since(
    session: string,
    role: string,
    since: number,
  ): Promise<ReadonlyMap<string, AcceptedOutcome>> {
    const accepted = new Map<string, AcceptedOutcome>();
    const subject = resultsSubject(session, role);
    const newest = await readSurelyLastOf(this.#connection, LOG_STREAM, subject);
    const results = readLog(this.#connection, subject, {
      since: new Date(since),
      headersOnly: true,
    });
    let read = 0;
    for await (const record of results) {
      const { messageId } = record;
      read = record.sequence;
      if (messageId !== undefined) accepted.set(plainIdentity(messageId), acceptedOutcome(record));
    }
    if (newest !== undefined && newest.sequence > read && storedAtMs(newest) > since) {
      throw new StreamError(
        `Cannot read all of ${subject}: the server that has it is behind others`,
      );
    }
    return accepted;
  }
}

function storedAtMs({ timeNs }: StoredMessage): number {
  return Number(timeNs.slice(0, -6));
}

/** When the outcome of work may have been stored, at the earliest. */
function sinceStored(storedAtMs: number): number {
  return storedAtMs - CLOCK_SKEW_MS;
}

/** What a stored result's headers say of it. */
export function acceptedOutcome(
  { sequence, header }: { readonly sequence: number; header(name: string): string | undefined },
): AcceptedOutcome {
  const outcome = header(LOG_HEADER.outcome);
  const attempt = outcome === "cancelled" ? undefined : Number(header(LOG_HEADER.attempt) ?? 1);
  return { sequence, attempt, outcome };
}

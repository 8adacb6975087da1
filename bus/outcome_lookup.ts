/**
 * Finds out whether work that is handed out again has been answered already: its relay may have
 * died between storing the result and acknowledging the work, and the log's duplicate window may be
 * over by the time that a second result comes.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { type Lease, workStoredAt } from "./lease.ts";
import { readLog } from "./log_reader.ts";
import { resultsSubject } from "./subjects.ts";

/** The clocks of a cluster's servers may differ by so much. */
const CLOCK_SKEW_MS = 60_000;

interface Lookup {
  /** In milliseconds. */
  readonly since: number;
  readonly answered: Promise<ReadonlySet<string>>;
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
   * Whether the log has an outcome of a lease's work. Reads the headers of all of the role's
   * results since the work was stored.
   *
   * @throws {StreamError} If the log cannot be read.
   */
  async isAnswered(session: string, role: string, lease: Lease): Promise<boolean> {
    const since = workStoredAt(lease).getTime() - CLOCK_SKEW_MS;
    let lookup = this.#lookups.get(lease.consumer);
    if (lookup === undefined || lookup.since > since) {
      lookup = { since, answered: this.#read(session, role, since) };
      const begun = lookup;
      this.#lookups.set(lease.consumer, begun);
      const done = () => {
        if (this.#lookups.get(lease.consumer) === begun) this.#lookups.delete(lease.consumer);
      };
      lookup.answered.then(done, done);
    }
    return (await lookup.answered).has(lease.work);
  }

  async #read(session: string, role: string, since: number): Promise<ReadonlySet<string>> {
    const answered = new Set<string>();
    const results = readLog(this.#connection, resultsSubject(session, role), {
      since: new Date(since),
      headersOnly: true,
    });
    for await (const { messageId } of results) {
      if (messageId !== undefined) answered.add(messageId);
    }
    return answered;
  }
}

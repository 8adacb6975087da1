/**
 * How many outcomes were failures: found by their headers, since a stream can count the messages of
 * a subject, but not look into them.
 *
 * @module
 */
import type { Connection } from "./connection.ts";
import { LOG_HEADER } from "./log_headers.ts";
import { logBounds, readLog } from "./log_reader.ts";
import { ALL_RESULTS, consumerName } from "./subjects.ts";

/** Failures and dead work of one session and role. */
export interface Failures {
  readonly failed: number;
  readonly dead: number;
}

interface Sequences {
  failed: number[];
  dead: number[];
}

const NONE: Failures = { failed: 0, dead: 0 };

/** Counts failures, going on where it stopped. Only failures take memory. */
export class OutcomeCounts {
  readonly #connection: Connection;
  /** Consumer's name → sequences in the log. */
  #failures = new Map<string, Sequences>();
  #readTo = 0;
  #updating: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** How many there are of a session and role that the log still has, as of the last update. */
  of(session: string, role: string): Failures {
    const found = this.#failures.get(consumerName(session, role));
    return found === undefined ? NONE : { failed: found.failed.length, dead: found.dead.length };
  }

  /**
   * Reads what is new. Callers at once share one reading.
   *
   * @throws {StreamError} If the log cannot be read.
   */
  async update(): Promise<void> {
    this.#updating ??= this.#update().finally(() => this.#updating = undefined);
    await this.#updating;
  }

  async #update(): Promise<void> {
    const { first, last } = await logBounds(this.#connection);
    if (last < this.#readTo) {
      // The log was made anew.
      this.#failures = new Map();
      this.#readTo = 0;
    }
    if (last > this.#readTo && last >= first) await this.#read(last);
    for (const [key, { failed, dead }] of this.#failures) {
      const kept = { failed: keptOf(failed, first), dead: keptOf(dead, first) };
      if (kept.failed.length + kept.dead.length === 0) this.#failures.delete(key);
      else this.#failures.set(key, kept);
    }
  }

  async #read(last: number): Promise<void> {
    const results = readLog(this.#connection, ALL_RESULTS, {
      fromSequence: this.#readTo + 1,
      headersOnly: true,
    });
    for await (const { sequence, session, role = "", header } of results) {
      this.#readTo = sequence;
      const outcome = header(LOG_HEADER.outcome);
      if (outcome !== "failed" && outcome !== "dead") continue;
      const key = consumerName(session, role);
      let found = this.#failures.get(key);
      if (found === undefined) this.#failures.set(key, found = { failed: [], dead: [] });
      found[outcome].push(sequence);
    }
    this.#readTo = Math.max(this.#readTo, last);
  }
}

/** The sequences that are not below the first; they are in order. */
function keptOf(sequences: number[], first: number): number[] {
  return (sequences[0] ?? first) >= first
    ? sequences
    : sequences.filter((sequence) => sequence >= first);
}

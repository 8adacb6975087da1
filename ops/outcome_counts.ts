/**
 * How many outcomes were failures: found by their headers, since a stream can count the messages of
 * a subject, but not look into them.
 *
 * @module
 */
import { type Connection, logBounds, readLog } from "@ourocodus/bus";
import { ALL_RESULTS, LOG_HEADER, RoleId } from "@ourocodus/protocol";

/** Outcomes of one session and role that are no results, by their header `Ourocodus-Outcome`. */
export interface Failures {
  readonly failed: number;
  readonly dead: number;
  readonly cancelled: number;
}

type Kind = keyof Failures;
type Sequences = Record<Kind, number[]>;

const KINDS: readonly Kind[] = ["failed", "dead", "cancelled"];
const NONE: Failures = { failed: 0, dead: 0, cancelled: 0 };

/** Counts failures, going on where it stopped. Only failures take memory. */
export class OutcomeCounts {
  readonly #connection: Connection;
  /** The role's key → sequences in the log. */
  #failures = new Map<string, Sequences>();
  #readTo = 0;
  #updating: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** How many there are of a session and role that the log still has, as of the last update. */
  of(session: string, role: string): Failures {
    const found = this.#failures.get(new RoleId(session, role).key);
    if (found === undefined) return NONE;
    const { failed, dead, cancelled } = found;
    return { failed: failed.length, dead: dead.length, cancelled: cancelled.length };
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
    for (const [key, found] of this.#failures) {
      for (const kind of KINDS) found[kind] = keptOf(found[kind], first);
      if (KINDS.every((kind) => found[kind].length === 0)) this.#failures.delete(key);
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
      const kind = KINDS.find((kind) => kind === outcome);
      if (kind === undefined) continue;
      const key = new RoleId(session, role).key;
      let found = this.#failures.get(key);
      if (found === undefined) {
        this.#failures.set(key, found = { failed: [], dead: [], cancelled: [] });
      }
      found[kind].push(sequence);
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

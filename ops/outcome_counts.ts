/**
 * How many outcomes there are of each kind: found by their headers, since a stream does not look into
 * them.
 *
 * @module
 */
import { type Connection, logBounds, readLog } from "@ourocodus/bus";
import { ALL_OUTCOMES, ALL_RESULTS, LOG_HEADER, RoleId } from "@ourocodus/protocol";

/** Outcomes of one session and role, by their header `Ourocodus-Outcome`; results have none. */
export interface Outcomes {
  readonly done: number;
  readonly failed: number;
  readonly dead: number;
  readonly cancelled: number;
}

type Kind = keyof Outcomes;

interface RoleOutcomes {
  readonly session: string;
  readonly role: string;
  /** In the log. */
  readonly sequences: Record<Kind, number[]>;
}

const KINDS: readonly Kind[] = ["done", "failed", "dead", "cancelled"];

/** Counts outcomes, going on where it stopped. */
export class OutcomeCounts {
  readonly #connection: Connection;
  /** By the role's key. */
  #outcomes = new Map<string, RoleOutcomes>();
  #readTo = 0;
  #updating: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** How many there are that the log still has, by session and role, as of the last update. */
  *all(): Generator<Outcomes & { readonly session: string; readonly role: string }> {
    for (const { session, role, sequences } of this.#outcomes.values()) {
      const { done, failed, dead, cancelled } = sequences;
      yield {
        ...{ session, role, done: done.length, failed: failed.length },
        ...{ dead: dead.length, cancelled: cancelled.length },
      };
    }
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
      this.#outcomes = new Map();
      this.#readTo = 0;
    }
    if (last > this.#readTo && last >= first) await this.#read(last);
    for (const [key, { sequences }] of this.#outcomes) {
      for (const kind of KINDS) sequences[kind] = keptOf(sequences[kind], first);
      if (KINDS.every((kind) => sequences[kind].length === 0)) this.#outcomes.delete(key);
    }
  }

  async #read(last: number): Promise<void> {
    const results = readLog(this.#connection, [ALL_OUTCOMES, ALL_RESULTS], {
      fromSequence: this.#readTo + 1,
      headersOnly: true,
    });
    for await (const { sequence, session, role = "", header } of results) {
      this.#readTo = sequence;
      const outcome = header(LOG_HEADER.outcome);
      const kind = KINDS.find((kind) => kind === outcome) ?? "done";
      const { key } = new RoleId(session, role);
      let found = this.#outcomes.get(key);
      if (found === undefined) {
        const sequences = { done: [], failed: [], dead: [], cancelled: [] };
        this.#outcomes.set(key, found = { session, role, sequences });
      }
      found.sequences[kind].push(sequence);
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

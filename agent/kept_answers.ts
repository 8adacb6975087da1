/**
 * Answers that no relay has stored yet.
 *
 * Invariants:
 * 1. An answer leaves only through `drop`: the relay said that it is stored or refused. None is
 *    ever dropped for lack of room.
 * 2. There is one answer for a lease.
 * 3. `full` says that new work should wait: so memory stays near the limit, by as much as the
 *    handlers that are running then return.
 *
 * @module
 */
import type { Answer } from "./answer.ts";

/** Above this many characters of answers, no new work is begun. */
const DEFAULT_LIMIT_CHARACTERS = 32 * 1024 * 1024;

/** Answers that are kept until a relay confirms or refuses them. */
export class KeptAnswers {
  readonly #limit: number;
  readonly #kept = new Map<string, Answer>();
  /** Those that the connection in use has not carried. */
  #unsent = new Map<string, Answer>();
  #characters = 0;

  constructor(limitCharacters: number = DEFAULT_LIMIT_CHARACTERS) {
    this.#limit = limitCharacters;
  }

  /** How many there are. */
  get size(): number {
    return this.#kept.size;
  }

  /** Whether new work should wait until some are stored. */
  get full(): boolean {
    return this.#characters > this.#limit;
  }

  /** The leases of all of them. */
  leases(): IterableIterator<string> {
    return this.#kept.keys();
  }

  /** Whether there is an answer for this lease. */
  has(lease: string): boolean {
    return this.#kept.has(lease);
  }

  /** The answer for this lease. */
  get(lease: string): Answer | undefined {
    return this.#kept.get(lease);
  }

  /** Keeps an answer as not sent, in place of one with the same lease. */
  add(answer: Answer): void {
    this.drop(answer.lease);
    this.#kept.set(answer.lease, answer);
    this.#unsent.set(answer.lease, answer);
    this.#characters += answer.line.length;
  }

  /** Forgets a lease's answer. @returns Whether there was one. */
  drop(lease: string): boolean {
    const answer = this.#kept.get(lease);
    if (answer === undefined) return false;
    this.#kept.delete(lease);
    this.#unsent.delete(lease);
    this.#characters -= answer.line.length;
    return true;
  }

  /** The answers that this connection has not carried; they count as sent from now on. */
  takeUnsent(): Answer[] {
    const unsent = [...this.#unsent.values()];
    this.#unsent.clear();
    return unsent;
  }

  /** The connection is lost: what it carried may be lost too. */
  markUnsent(): void {
    this.#unsent = new Map(this.#kept);
  }
}

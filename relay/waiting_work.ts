/**
 * Which unfinished work of a role is of which conversation. It is read from the stream, each message
 * once, and only for roles in which a conversation has occurred: finished work leaves the stream, so
 * what is still there comes first.
 *
 * @module
 */
import {
  beginningOf,
  conversationOf,
  decodeUtf8,
  parseWork,
  type RoleId,
} from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { OutcomeReader } from "./outcome_reader.ts";

/** With more than so many entries, or twice as many as once waited, all is read anew. */
const MANY = 1_000;

/** A role's work that has a conversation, as far as it is in the stream. */
export class WaitingWork {
  readonly #reader: OutcomeReader;
  readonly #role: RoleId;
  /** Conversation → sequences, lowest first. */
  #sequences = new Map<string, Set<number>>();
  #count = 0;
  #many = MANY;
  /** Up to which sequence the stream was read. */
  #readTo = 0;
  readonly #turns = pLimit(1);

  constructor(reader: OutcomeReader, role: RoleId) {
    this.#reader = reader;
    this.#role = role;
  }

  /**
   * The first unfinished work item of a conversation that comes before one of its work items.
   *
   * @param sequence Of the latter, which is in the stream.
   * @returns Its sequence; undefined if there is none. Once the reader is closed, nothing is known: then
   * it is NaN.
   */
  async firstBefore(conversation: string, sequence: number): Promise<number | undefined> {
    return await this.#turns(async () => {
      if (!await this.#readUpTo(conversation, sequence)) return NaN;
      const beginning = beginningOf(conversation);
      if (beginning !== undefined && beginning < sequence) {
        const text = await this.#waiting(beginning);
        if (text === undefined) return NaN;
        if (text.found !== undefined && nameIn(text.found) === undefined) return beginning;
      }
      for (const earlier of this.#sequences.get(conversation) ?? []) {
        if (earlier >= sequence) return undefined;
        const text = await this.#waiting(earlier);
        if (text === undefined) return NaN;
        if (text.found !== undefined) return earlier;
        this.#finished(conversation, earlier);
      }
      return undefined;
    });
  }

  /** Whether a work item is in the stream still. @returns As {@linkcode firstBefore} if nothing is known. */
  async has(sequence: number): Promise<boolean | undefined> {
    const stored = await this.#reader.waitingAt(this.#role, sequence);
    return stored && stored.found !== undefined;
  }

  /** A work item is not in the stream any more. */
  #finished(conversation: string, sequence: number): void {
    const sequences = this.#sequences.get(conversation);
    if (!sequences?.delete(sequence)) return;
    this.#count--;
    if (sequences.size === 0) this.#sequences.delete(conversation);
  }

  /** @returns Whether that could be done. */
  async #readUpTo(conversation: string, sequence: number): Promise<boolean> {
    const isKnown = this.#sequences.get(conversation)?.has(sequence) === true;
    // It was not there before: the stream was made anew.
    const isAnew = sequence <= this.#readTo && !isKnown;
    if (isAnew || this.#count > this.#many) this.#forget();
    const isFirst = this.#readTo === 0;
    while (this.#readTo < sequence) {
      const next = await this.#reader.nextWaiting(this.#role, this.#readTo);
      if (next === undefined) return false;
      const { found } = next;
      if (found === undefined || found.sequence > sequence) break;
      this.#readTo = found.sequence;
      const name = nameIn(decodeUtf8(found.data));
      if (name !== undefined) this.#add(name, found.sequence);
    }
    // It may be gone by now.
    if (this.#readTo < sequence) this.#readTo = sequence;
    this.#add(conversation, sequence);
    if (isFirst) this.#many = Math.max(MANY, this.#count * 2);
    return true;
  }

  #add(conversation: string, sequence: number): void {
    const sequences = this.#sequences.get(conversation);
    if (sequences?.has(sequence)) return;
    this.#count++;
    if (sequences === undefined) this.#sequences.set(conversation, new Set([sequence]));
    else sequences.add(sequence);
  }

  #forget(): void {
    this.#sequences = new Map();
    this.#count = 0;
    this.#readTo = 0;
  }

  /** The text of the role's work item with a sequence, if it is in the stream. */
  async #waiting(sequence: number): Promise<{ readonly found: string | undefined } | undefined> {
    const stored = await this.#reader.waitingAt(this.#role, sequence);
    return stored && { found: stored.found && decodeUtf8(stored.found.data) };
  }
}

/** The conversation that a message names. */
function nameIn(text: string | undefined): string | undefined {
  const parsed = text === undefined ? undefined : parseWork(text);
  return parsed?.kind === "ok" ? conversationOf(parsed.message) : undefined;
}

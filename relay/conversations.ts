/**
 * Delivered work that waits until it is its turn in its conversation: until no earlier work item of the
 * conversation is in the stream. It takes no agent's slot meanwhile.
 *
 * Invariants:
 * 1. Of a conversation only the first attempt here is asked about; the others come after it.
 * 2. What waits here is offered as soon as what it waits for has ended here, or soon after it has ended
 *    at another relay. Beyond `MAX_WAITING` work is put back into the queue for a while.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { conversationBegunBy, messageOf } from "@ourocodus/protocol";
import type { Attempt } from "./attempt.ts";
import type { InLine, Turn } from "./attempt_effects.ts";
import type { Journal } from "./journal.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Role } from "./role.ts";
import { WaitingWork } from "./waiting_work.ts";

/** What {@linkcode Conversations} work with. */
export interface ConversationsOptions {
  readonly reader: OutcomeReader;
  readonly journal: Journal;
  /** Something waits to be sent, or to be stored. */
  readonly onTurn: () => void;
}

/** How much waits here; more is put back into the queue. */
const MAX_WAITING = 1_000;
/** How long that stays there, in milliseconds: so long for each that waits before it, within limits. */
const PUT_BACK_MS = 1_000;
const LONGEST_PUT_BACK_MS = 30_000;
/** How often is looked whether it is its turn, in milliseconds, more often at first. */
const FIRST_LOOK_MS = 20;
const LAST_LOOK_MS = 1_000;
const log = getLogger(["ourocodus", "relay"]);

/** One attempt that waits. */
interface Waiting extends InLine {
  readonly attempt: Attempt;
  /** Whether it may have been cancelled meanwhile, unheard. */
  hasWaited: boolean;
}

/** The attempts of one conversation that wait, in their order; there is at least one. */
interface Line {
  readonly key: string;
  readonly conversation: string;
  readonly role: Role;
  readonly waiting: Waiting[];
  /** The timer of the next look. */
  next: ReturnType<typeof setTimeout> | undefined;
  lookMs: number;
  isLooking: boolean;
}

/** A relay's conversations. */
export class Conversations {
  readonly #options: ConversationsOptions;
  readonly #lines = new Map<string, Line>();
  /** What is in the stream of roles in which a conversation has occurred. */
  readonly #streams = new WeakMap<Role, WaitingWork>();
  #count = 0;
  #closed = false;

  constructor(options: ConversationsOptions) {
    this.#options = options;
  }

  /**
   * An attempt waits for its turn.
   *
   * @param inLine Told what it is to do, later.
   * @returns Calls that off.
   */
  stand(role: Role, attempt: Attempt, inLine: InLine): () => void {
    const { conversation, lease: { sequence } } = attempt;
    const key = keyOf(role.id.key, conversation ?? "");
    let line = this.#lines.get(key);
    if (line === undefined) {
      line = {
        ...{ key, conversation: conversation ?? "", role, waiting: [], next: undefined },
        ...{ lookMs: FIRST_LOOK_MS, isLooking: false },
      };
      this.#lines.set(key, line);
    }
    const waiting: Waiting = { attempt, ...inLine, hasWaited: false };
    const after = line.waiting.findLastIndex((other) => isBefore(other, sequence));
    line.waiting.splice(after + 1, 0, waiting);
    this.#count++;
    const found = line;
    if (after < 0) queueMicrotask(() => void this.#look(found));
    else this.#waitsFor(waiting, line.waiting[after]?.attempt.lease.sequence ?? 0);
    if (after >= 0 && this.#count > MAX_WAITING) {
      queueMicrotask(() => this.#putBack(found, waiting));
    }
    return () => this.#leave(found, waiting);
  }

  /** An attempt has ended here: what has waited for it may be next. */
  ended({ lease: { roleKey, sequence }, conversation }: Attempt): void {
    if (this.#lines.size === 0) return;
    const line = this.#lines.get(keyOf(roleKey, conversation ?? conversationBegunBy(sequence)));
    if (line !== undefined) this.#wake(line);
  }

  /** Ends all timers. */
  close(): void {
    this.#closed = true;
    for (const { next } of this.#lines.values()) clearTimeout(next);
  }

  #wake(line: Line): void {
    line.lookMs = FIRST_LOOK_MS;
    this.#lookLater(line, 0);
  }

  #lookLater(line: Line, ms: number): void {
    clearTimeout(line.next);
    if (!this.#closed) line.next = setTimeout(() => void this.#look(line), ms);
  }

  /** Looks whether it is the turn of the first one. */
  async #look(line: Line): Promise<void> {
    const [first] = line.waiting;
    if (first === undefined || line.isLooking || this.#closed) return;
    line.isLooking = true;
    const earlier = await this.#lookAt(first, line);
    line.isLooking = false;
    if (this.#closed || earlier === undefined) return;
    // Another one is the first by now.
    if (line.waiting[0] !== first) return this.#wake(line);
    if (typeof earlier === "object") {
      this.#leave(line, first);
      return this.#tell(first, earlier);
    }
    this.#waitsFor(first, earlier);
    if (this.#count > MAX_WAITING) return this.#putBack(line, first);
    this.#lookLater(line, line.lookMs);
    line.lookMs = Math.min(line.lookMs * 2, LAST_LOOK_MS);
  }

  /**
   * @returns What it is to do, or the sequence that it waits for; undefined once this is closed.
   */
  async #lookAt(
    { attempt: { lease: { sequence } }, hasWaited }: Waiting,
    { role, conversation }: Line,
  ): Promise<Turn | number | undefined> {
    let stream = this.#streams.get(role);
    if (stream === undefined) {
      stream = new WaitingWork(this.#options.reader, role.id);
      this.#streams.set(role, stream);
    }
    const earlier = await stream.firstBefore(conversation, sequence);
    if (earlier !== undefined) return Number.isNaN(earlier) ? undefined : earlier;
    const isThere = !hasWaited || await stream.has(sequence);
    return isThere === undefined ? undefined : { kind: isThere ? "now" : "gone" };
  }

  /** There is too much that waits: later it may be less. */
  #putBack(line: Line, waiting: Waiting): void {
    const place = line.waiting.indexOf(waiting);
    if (place < 0) return;
    this.#leave(line, waiting);
    const delayMs = Math.min((place + 1) * PUT_BACK_MS, LONGEST_PUT_BACK_MS);
    this.#tell(waiting, { kind: "later", delayMs });
  }

  #tell({ attempt, onTurn }: Waiting, turn: Turn): void {
    try {
      onTurn(turn);
    } catch (error) {
      log.error("an attempt cannot go on", { id: attempt.id, error: messageOf(error) });
    }
    this.#options.onTurn();
  }

  #leave(line: Line, waiting: Waiting): void {
    const place = line.waiting.indexOf(waiting);
    if (place < 0) return;
    line.waiting.splice(place, 1);
    this.#count--;
    if (line.waiting.length === 0) {
      clearTimeout(line.next);
      this.#lines.delete(line.key);
    } else if (place === 0) this.#lookLater(line, FIRST_LOOK_MS);
  }

  /** Says why work waits, once. */
  #waitsFor(waiting: Waiting, sequence: number): void {
    const { attempt } = waiting;
    const { session, conversation, id, role, lease } = attempt;
    const isSaid = lease.attempt > 1 || waiting.hasWaited;
    waiting.hasWaited = true;
    if (isSaid) return;
    const item = { seq: lease.sequence, id, role, conversation, waits_for: sequence };
    this.#options.journal.work(session, "work.waiting", item);
  }
}

function keyOf(roleKey: string, conversation: string): string {
  return `${roleKey} ${conversation}`;
}

function isBefore({ attempt }: Waiting, sequence: number): boolean {
  return attempt.lease.sequence < sequence;
}

/**
 * The books: what was acknowledged to its sender against what came of it. They balance when every
 * work item has exactly one outcome, a result or an error result of a dead letter.
 *
 * @module
 */
import { readLog } from "@ourocodus/bus";
import { sendWork } from "@ourocodus/ops";
import { deadSubject, LOG_HEADER, outcomeSubjects, parseObject } from "@ourocodus/protocol";
import type { BusClient } from "./bus_client.ts";

/** Work that its sender was told is stored. */
export interface Acknowledged {
  readonly session: string;
  readonly role: string;
  readonly id: string;
  readonly sequence: number;
}

/** What {@linkcode Books.balance} finds. */
export interface Balance {
  readonly acknowledged: number;
  /** With a result, an agent's error included. */
  readonly answered: number;
  /** Dead. */
  readonly dead: number;
  /** Cancelled, by what is stored. */
  readonly cancelled: number;
  /** Still in the queue. */
  readonly waiting: number;
  /**
   * With an outcome, and in the queue anyway. A nats-server that is killed may forget that it
   * removed a message, though its consumer remembers that it was acknowledged.
   */
  readonly lingering: readonly Acknowledged[];
  /** Without any outcome, and in no queue. */
  readonly vanished: readonly Acknowledged[];
  /** With more than one outcome. */
  readonly twice: readonly Acknowledged[];
  /** Dead, with an error result, but without its dead letter. */
  readonly unburied: readonly Acknowledged[];
  /** Dead of fewer charged attempts than it may have. */
  readonly undercharged: readonly Acknowledged[];
  /** Whose cancellation was confirmed, though another outcome is stored. */
  readonly contradicted: readonly Acknowledged[];
  /** Outcomes of work that nobody has booked: their subject and `Nats-Msg-Id`. */
  readonly unknown: readonly string[];
}

/** As many attempts are charged to work before it is dead, by default. */
const MAX_DELIVER = 5;
/** Between two looks at all of the log, in milliseconds. */
const LOOK_MS = 250;

/** Keeps the books of what it sends. */
export class Books {
  readonly #client: BusClient;
  readonly #booked = new Map<number, Acknowledged>();
  /** Whose sequence was given to other work later: the stream forgot that it had it. */
  readonly #forgotten: Acknowledged[] = [];
  readonly #confirmed = new Set<number>();

  constructor(client: BusClient) {
    this.#client = client;
  }

  /** Everything booked, in the order in which it was acknowledged. */
  get booked(): readonly Acknowledged[] {
    return [...this.#booked.values()];
  }

  /** Sends work and books it once it is acknowledged. @returns Its sequence. */
  async send(session: string, role: string, id: string, payload: object = {}): Promise<number> {
    const options = { timeoutMs: 60_000 };
    const work = { session, role, id, payload };
    const { sequence } = await sendWork(this.#client.connection, work, options);
    this.book({ session, role, id, sequence });
    return sequence;
  }

  /** Books what somebody else has sent. */
  book(work: Acknowledged): void {
    const { session, role, id, sequence } = work;
    const before = this.#booked.get(sequence);
    const same = before?.session === session && before.role === role && before.id === id;
    if (before !== undefined && !same) this.#forgotten.push(before);
    this.#booked.set(sequence, work);
  }

  /** Books that somebody was told that this work is cancelled. */
  bookCancelled(sequence: number): void {
    this.#confirmed.add(sequence);
  }

  /** Compares what was acknowledged with what is in the log. */
  async balance(): Promise<Balance> {
    const { connection } = this.#client;
    const outcomes = new Map<number, number>();
    const marked = { dead: new Set<number>(), cancelled: new Set<number>() };
    const unknown: string[] = [];
    const letters = new Set<number>();
    const undercharged = new Set<number>();
    // What leaves the queue meanwhile is in the log then.
    const waiting = await this.#client.waitingSequences();
    const sessions = new Set(this.booked.map(({ session }) => session));
    for (const session of sessions) {
      for await (const record of readLog(connection, outcomeSubjects(session, "*"))) {
        const sequence = record.work?.sequence;
        if (sequence === undefined || !this.#booked.has(sequence)) {
          unknown.push(`${record.subject} ${record.messageId}`);
          continue;
        }
        outcomes.set(sequence, (outcomes.get(sequence) ?? 0) + 1);
        const mark = record.header(LOG_HEADER.outcome);
        if (mark === "dead" || mark === "cancelled") marked[mark].add(sequence);
        if (mark === "dead" && chargesOf(record.text) < MAX_DELIVER) undercharged.add(sequence);
      }
      for await (const record of readLog(connection, deadSubject(session, "*"))) {
        if (record.work !== undefined) letters.add(record.work.sequence);
      }
    }
    const booked = this.booked;
    const forgotten = this.#forgotten;
    const open = booked.filter(({ sequence }) => !outcomes.has(sequence));
    const { dead, cancelled } = marked;
    return {
      acknowledged: booked.length + forgotten.length,
      answered: booked.length - open.length - dead.size - cancelled.size,
      dead: dead.size,
      cancelled: cancelled.size,
      waiting: open.filter(({ sequence }) => waiting.has(sequence)).length,
      lingering: booked.filter(({ sequence }) => outcomes.has(sequence) && waiting.has(sequence)),
      vanished: [...forgotten, ...open.filter(({ sequence }) => !waiting.has(sequence))],
      twice: booked.filter(({ sequence }) => (outcomes.get(sequence) ?? 0) > 1),
      unburied: booked.filter(({ sequence }) => dead.has(sequence) && !letters.has(sequence)),
      undercharged: booked.filter(({ sequence }) => undercharged.has(sequence)),
      contradicted: booked.filter(({ sequence }) =>
        this.#confirmed.has(sequence) && !cancelled.has(sequence)
      ),
      unknown,
    };
  }

  /**
   * Waits until every work item has an outcome.
   *
   * @param patienceMs As long may nothing leave the queue, in milliseconds.
   * @returns The balance then, or the last one if work still has none, and none gets any more; see
   * {@linkcode isBalanced}.
   */
  async settled(patienceMs = 60_000): Promise<Balance> {
    let deadline = performance.now() + patienceMs;
    let queued: number | undefined;
    while (true) {
      const now = await this.#queued();
      const moves = now !== undefined && now !== queued;
      if (moves) deadline = performance.now() + patienceMs;
      queued = now;
      // All of the log is read only where nothing moves: that takes what others need.
      const balance = moves && now > 0 ? undefined : await this.#balanceIfAny(deadline);
      const open = balance === undefined || balance.waiting + balance.vanished.length > 0;
      if (balance !== undefined && (!open || performance.now() >= deadline)) return balance;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** How many messages the queue has; `undefined` if NATS cannot be asked just now. */
  async #queued(): Promise<number | undefined> {
    try {
      return await this.#client.queued();
    } catch {
      return undefined;
    }
  }

  /** The balance, unless NATS cannot be asked just now: a cluster is choosing a leader, say. */
  async #balanceIfAny(deadline: number): Promise<Balance | undefined> {
    try {
      return await this.balance();
    } catch (error) {
      if (performance.now() >= deadline) throw error;
      return undefined;
    }
  }
}

/** Whether every work item has exactly one outcome, and nobody else's has any. */
export function isBalanced(balance: Balance): boolean {
  const { waiting, vanished, twice, contradicted, unknown } = balance;
  const wrong = [vanished, twice, contradicted, unknown];
  return waiting === 0 && wrong.every(({ length }) => length === 0);
}

/** How many attempts an error outcome names, of work that died of attempts. */
function chargesOf(text: string): number {
  const { code, charges } = parseObject(text)?.payload as Record<string, unknown> ?? {};
  return code === "max_deliver" ? (Array.isArray(charges) ? charges.length : 0) : Infinity;
}

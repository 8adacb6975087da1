/**
 * The books: what was acknowledged to its sender against what came of it. They balance when every
 * piece of work has exactly one outcome, a result or an error result of a dead letter.
 *
 * @module
 */
import { deadSubject, LOG_HEADER, readLog, resultsSubject, sendWork } from "@ourocodus/bus";
import type { BusClient } from "./bus_client.ts";
import { until } from "./until.ts";

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
  /** Given up on. */
  readonly dead: number;
  /** Still in the queue. */
  readonly waiting: number;
  /** Without any outcome, and in no queue. */
  readonly vanished: readonly Acknowledged[];
  /** With more than one outcome. */
  readonly twice: readonly Acknowledged[];
  /** Given up on, with an error result, but without its dead letter. */
  readonly unburied: readonly Acknowledged[];
  /** Outcomes of work that nobody has booked: their subject and `Nats-Msg-Id`. */
  readonly unknown: readonly string[];
}

/** Keeps the books of what it sends. */
export class Books {
  readonly #client: BusClient;
  readonly #booked = new Map<number, Acknowledged>();

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
    this.#booked.set(work.sequence, work);
  }

  /** Compares what was acknowledged with what is in the log. */
  async balance(): Promise<Balance> {
    const { connection } = this.#client;
    const outcomes = new Map<number, number>();
    const deaths = new Set<number>();
    const unknown: string[] = [];
    const letters = new Set<number>();
    // What leaves the queue meanwhile is in the log then.
    const waiting = await this.#client.waitingSequences();
    const sessions = new Set(this.booked.map(({ session }) => session));
    for (const session of sessions) {
      for await (const record of readLog(connection, resultsSubject(session, "*"))) {
        const sequence = record.work?.sequence;
        if (sequence === undefined || !this.#booked.has(sequence)) {
          unknown.push(`${record.subject} ${record.messageId}`);
          continue;
        }
        outcomes.set(sequence, (outcomes.get(sequence) ?? 0) + 1);
        if (record.header(LOG_HEADER.outcome) === "dead") deaths.add(sequence);
      }
      for await (const record of readLog(connection, deadSubject(session, "*"))) {
        if (record.work !== undefined) letters.add(record.work.sequence);
      }
    }
    const booked = this.booked;
    const open = booked.filter(({ sequence }) => !outcomes.has(sequence));
    return {
      acknowledged: booked.length,
      answered: booked.filter(({ sequence: s }) => outcomes.has(s) && !deaths.has(s)).length,
      dead: deaths.size,
      waiting: open.filter(({ sequence }) => waiting.has(sequence)).length,
      vanished: open.filter(({ sequence }) => !waiting.has(sequence)),
      twice: booked.filter(({ sequence }) => (outcomes.get(sequence) ?? 0) > 1),
      unburied: booked.filter(({ sequence: s }) => deaths.has(s) && !letters.has(s)),
      unknown,
    };
  }

  /**
   * Waits until nothing waits in the queue any more.
   *
   * @returns The balance then; see {@linkcode isBalanced}.
   * @throws {UntilError} If work still waits after `timeoutMs`, 60 000 by default.
   */
  async settled(timeoutMs = 60_000): Promise<Balance> {
    await until(async () => await this.#client.waiting() === 0, {
      timeoutMs,
      message: "the queue to be empty",
    });
    return await this.balance();
  }
}

/** Whether every piece of work has exactly one outcome, and nobody else's has any. */
export function isBalanced(balance: Balance): boolean {
  const { waiting, vanished, twice, unknown } = balance;
  return waiting === 0 && vanished.length === 0 && twice.length === 0 && unknown.length === 0;
}

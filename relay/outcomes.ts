/**
 * How a piece of work ends: with a result, or with a dead letter and an error result. Either way
 * the outcome is stored first and the work acknowledged then.
 *
 * Invariants:
 * 1. Results and error results of a piece of work share one `Nats-Msg-Id`, its identity, so that
 *    at most one of them is accepted.
 * 2. Work is acknowledged only when its outcome is in the log.
 * 3. Where another attempt may have been answered before the log's duplicate window, that is looked
 *    up first: in the work's stream, from which answered work is gone, and in the log, because a
 *    relay may die between storing a result and acknowledging its work.
 *
 * @module
 */
import {
  type Acknowledger,
  AGENT_TYPE,
  type Connection,
  consumerName,
  deadSubject,
  formatMessage,
  type Lease,
  LOG_HEADER,
  type LogWriter,
  messageOf,
  OutcomeLookup,
  parseSubject,
  readStored,
  resultsSubject,
  type Stored,
  WORK_STREAM,
} from "@ourocodus/bus";
import { type Reason, storeDeadLetter } from "./dead_letter.ts";
import type { Work } from "./work.ts";

/** What an outcome is stored for; a {@linkcode Work} is one. */
export type Outcome = Pick<Work, "id" | "session" | "role" | "lease" | "sole" | "deliveredAt">;

/** What outcomes are stored with. */
export interface OutcomesOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  /** The log's duplicate window, in milliseconds. */
  readonly duplicateWindowMs: number;
  /** Told what keeps an outcome from being stored; it is tried again. */
  readonly onProblem: (reason: string) => void;
}

const UTF8 = new TextEncoder();
const RETRY_MS = 500;
const FAILED = { [LOG_HEADER.outcome]: "failed" };

/** Stores outcomes. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #answered: OutcomeLookup;
  readonly #retries = new Set<() => void>();
  #closed = false;

  constructor(options: OutcomesOptions) {
    this.#options = options;
    this.#answered = new OutcomeLookup(options.connection);
  }

  /**
   * Stores a result and acknowledges its work.
   *
   * @param text The agent's message, forwarded as it is.
   * @param type The message's type.
   * @param onSettled Called once: `duplicate` if another result was accepted.
   */
  result(
    outcome: Outcome,
    { text, type }: { readonly text: string; readonly type: string },
    onSettled: (stored: Stored) => void,
  ): void {
    const { writer, duplicateWindowMs } = this.#options;
    const entry = {
      subject: resultsSubject(outcome.session, outcome.role),
      data: UTF8.encode(text),
      id: outcome.lease.work,
      ...(type === AGENT_TYPE.error && { headers: FAILED }),
      suspect: !outcome.sole,
      onSettled: (stored: Stored) => {
        if (stored.kind === "refused") {
          return this.#refusedResult(outcome, stored.reason, onSettled);
        }
        this.#options.acknowledger.acknowledge(outcome.lease.subject);
        onSettled(stored);
      },
    };
    if (outcome.sole || Date.now() - outcome.deliveredAt < duplicateWindowMs / 2) {
      return writer.append(entry);
    }
    void this.lookUp(outcome).then((found) => {
      if (found === "open") writer.append(entry);
      else if (found !== undefined) onSettled({ kind: "duplicate" });
    });
  }

  /**
   * Gives work up: stores an error result, so that whoever waits learns of it, and the work itself
   * as a dead letter, then acknowledges it.
   *
   * @returns Whether it is dead now; `false` if it had been answered.
   */
  async bury(outcome: Outcome, reason: Reason): Promise<boolean> {
    const { lease, session, role, id } = outcome;
    const { acknowledger } = this.#options;
    const stored = await this.#waiting(lease);
    if (stored === undefined) return false;
    const found = outcome.sole ? "open" : await this.lookUp(outcome);
    if (found === "answered") acknowledger.acknowledge(lease.subject);
    if (found !== "open") return false;
    const work = {
      identity: lease.work,
      id,
      session,
      role,
      results: resultsSubject(session, role),
      dead: deadSubject(session, role),
      attempts: lease.attempt,
      data: stored,
    };
    const dead = await storeDeadLetter(work, reason, this.#options);
    acknowledger.acknowledge(lease.subject);
    return dead;
  }

  /**
   * Finds out whether work has an outcome. Waits until stream and log can be asked.
   *
   * @returns `open` if it waits for one, `answered` if the log has one, `gone` if the stream has no
   * such work (any more); `undefined` if this was closed before there was an answer: then nothing
   * is known, and nothing may be done to the work.
   */
  async lookUp(
    work: Pick<Outcome, "session" | "role" | "lease">,
  ): Promise<"open" | "answered" | "gone" | undefined> {
    const { session, role, lease } = work;
    const waiting = await this.#waiting(lease) !== undefined;
    if (this.#closed) return undefined;
    if (!waiting) return "gone";
    const answered = await this.#persist(() => this.#answered.isAnswered(session, role, lease));
    if (answered === undefined) return undefined;
    return answered ? "answered" : "open";
  }

  /** Stops waiting: lookups under way end without an answer. */
  close(): void {
    this.#closed = true;
    for (const wake of this.#retries) wake();
  }

  /** A result that can never be stored becomes an error result, so that its work ends too. */
  #refusedResult(outcome: Outcome, reason: string, onSettled: (stored: Stored) => void): void {
    const code = "result_refused";
    const message = `The result cannot be stored: ${reason}`;
    const text = formatMessage(outcome.id, "error", { code, message });
    this.#options.writer.append({
      subject: resultsSubject(outcome.session, outcome.role),
      data: UTF8.encode(text),
      id: outcome.lease.work,
      headers: FAILED,
      suspect: true,
      onSettled: (stored) => {
        // Without an outcome the work stays in its stream, and is handed out again.
        if (stored.kind === "refused") this.#options.onProblem(stored.reason);
        else this.#options.acknowledger.acknowledge(outcome.lease.subject);
        onSettled(stored.kind === "stored" ? { kind: "refused", reason } : stored);
      },
    });
  }

  /** The work as it is in the stream, `undefined` if it is gone. */
  async #waiting(lease: Lease): Promise<Uint8Array | undefined> {
    const { connection } = this.#options;
    const stored = await this.#persist(() => readStored(connection, WORK_STREAM, lease.sequence));
    if (stored === undefined || `${stored.sequence}.${stored.timeNs}` !== lease.work) {
      return undefined;
    }
    // The lease may come from an agent, which then named its own role but any sequence.
    return isOf(lease.consumer, stored.subject) ? stored.data : undefined;
  }

  /** Asks again and again until there is an answer; `undefined` once this is closed. */
  async #persist<T>(ask: () => Promise<T>): Promise<T | undefined> {
    while (!this.#closed) {
      try {
        // What is asked while the connection is lost can only time out.
        if (this.#options.connection.connected) return await ask();
      } catch (error) {
        this.#options.onProblem(messageOf(error));
      }
      await this.#pause();
    }
    return undefined;
  }

  async #pause(): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#retries.delete(done);
        resolve();
      };
      const timer = setTimeout(done, RETRY_MS);
      this.#retries.add(done);
    });
  }
}

/** Whether a work subject is the one that a consumer hands out. */
function isOf(consumer: string, subject: string): boolean {
  const parsed = parseSubject(subject);
  return parsed?.kind === "work" && consumerName(parsed.session, parsed.role) === consumer;
}

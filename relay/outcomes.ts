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
  type AcceptedOutcome,
  type Acknowledger,
  AGENT_TYPE,
  type Connection,
  consumerName,
  deadLetterId,
  deadSubject,
  formatMessage,
  type LateEntry,
  type Lateness,
  type Lease,
  LOG_HEADER,
  LOG_STREAM,
  type LogWriter,
  messageOf,
  OutcomeLookup,
  parseMessage,
  parseSubject,
  plainIdentity,
  readLog,
  readStored,
  resultsSubject,
  Semaphore,
  type Stored,
  WORK_STREAM,
  workIdentity,
  workPlace,
  workStoredAt,
} from "@ourocodus/bus";
import { type DeadWork, type Reason, storeDeadLetter, storeLetter } from "./dead_letter.ts";
import type { Backlog } from "./backlog.ts";
import { monotonicMs, type Work } from "./work.ts";

/** What an outcome is stored for; a {@linkcode Work} is one. */
export type Outcome = Pick<
  Work,
  "id" | "session" | "role" | "lease" | "attempt" | "sole" | "since"
>;

/** Whether a piece of work has an outcome. */
export type Found =
  /** It waits for one. */
  | { readonly kind: "open"; readonly data: Uint8Array }
  /** The log has one, but the work is still in its stream. */
  | { readonly kind: "answered"; readonly data: Uint8Array; readonly accepted: AcceptedOutcome }
  /** The stream has no such work (any more). */
  | { readonly kind: "gone" };

/** What outcomes are stored with. */
export interface OutcomesOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  readonly backlog: Backlog;
  /** The log's duplicate window, in milliseconds. */
  readonly duplicateWindowMs: number;
  /** Told what keeps an outcome from being stored; it is tried again. */
  readonly onProblem: (reason: string) => void;
}

const RETRY_MS = 500;
/** So many questions to NATS wait for their answers at once; more at once would only time out. */
const MAX_QUESTIONS = 128;
const FAILED = { [LOG_HEADER.outcome]: "failed" };

/** Stores outcomes. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  readonly #answered: OutcomeLookup;
  /** Consumer's name → what was answered since a time. */
  readonly #lately = new Map<
    string,
    {
      readonly since: number;
      readonly answered: Promise<ReadonlyMap<string, AcceptedOutcome> | undefined>;
    }
  >();
  readonly #questions = new Semaphore(MAX_QUESTIONS);
  readonly #retries = new Set<() => void>();
  #closed = false;

  constructor(options: OutcomesOptions) {
    this.#options = options;
    this.#answered = new OutcomeLookup(options.connection);
    const { writer, duplicateWindowMs } = options;
    writer.askWhenLate(duplicateWindowMs / 2, (entry) => this.#askLate(entry));
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
      data: text,
      id: outcome.lease.work,
      headers: resultHeaders(outcome.attempt, type),
      suspect: !outcome.sole,
      onSettled: (stored: Stored) => {
        if (stored.kind === "refused") {
          return this.#refusedResult(outcome, stored.reason, onSettled);
        }
        this.#options.acknowledger.acknowledge(outcome.lease.subject);
        onSettled(stored);
      },
    };
    if (outcome.sole || monotonicMs() - outcome.since < duplicateWindowMs / 2) {
      return writer.append(entry);
    }
    void this.#options.backlog.during(text.length, this.lookUp(outcome)).then((found) => {
      if (found?.kind === "open") writer.append(entry);
      else if (found !== undefined) onSettled({ kind: "duplicate", accepted: acceptedOf(found) });
    });
  }

  /**
   * Gives work up: stores an error result, so that whoever waits learns of it, and the work itself
   * as a dead letter, then acknowledges it.
   *
   * @returns Whether it is dead now; `false` if it had been answered.
   */
  async bury(outcome: Outcome, reason: Reason): Promise<boolean> {
    const { lease } = outcome;
    const data = await this.#waiting(lease);
    if (data === undefined) return false;
    const found = outcome.sole ? { kind: "open" } as const : await this.lookUp(outcome);
    if (found?.kind === "answered") await this.finish(outcome, found);
    if (found?.kind !== "open") return false;
    const dead = await storeDeadLetter(deadWork(outcome, data), reason, this.#options);
    this.#options.acknowledger.acknowledge(lease.subject);
    return dead;
  }

  /**
   * Acknowledges work that has an outcome already. If that is an error result of work that was given
   * up on, its dead letter is stored first: the relay may have died between the two.
   */
  async finish(outcome: Outcome, found: Found & { readonly kind: "answered" }): Promise<void> {
    const { accepted, data } = found;
    if (accepted.outcome === "dead" && !await this.#hasDeadLetter(outcome)) {
      const { code, message, attempts } = await this.#errorAt(accepted.sequence);
      const work = { ...deadWork(outcome, data), ...(attempts !== undefined && { attempts }) };
      await storeLetter(work, { code, message }, this.#options);
    }
    this.#options.acknowledger.acknowledge(outcome.lease.subject);
  }

  async #hasDeadLetter({ session, role, lease }: Outcome): Promise<boolean> {
    const { connection } = this.#options;
    const since = workStoredAt(lease);
    const has = await this.#persist(async () => {
      const letters = readLog(connection, deadSubject(session, role), { since, headersOnly: true });
      for await (const { messageId } of letters) {
        if (plainIdentity(messageId ?? "") === deadLetterId(lease.work)) return true;
      }
      return false;
    });
    return has ?? true;
  }

  /** What an error result in the log says. */
  async #errorAt(sequence: number): Promise<Reason & { readonly attempts?: number }> {
    const { connection } = this.#options;
    const stored = await this.#persist(() => readStored(connection, LOG_STREAM, sequence));
    const parsed = parseMessage(new TextDecoder().decode(stored?.data));
    const { code, message, attempts } = parsed.kind === "ok" ? parsed.message.payload : {};
    return {
      code: typeof code === "string" ? code : "unknown",
      message: typeof message === "string" ? message : "",
      ...(typeof attempts === "number" && { attempts }),
    };
  }

  /**
   * Finds out whether work has an outcome. Waits until stream and log can be asked.
   *
   * @returns `undefined` if this was closed before there was an answer: then nothing is known, and
   * nothing may be done to the work.
   */
  async lookUp(work: Pick<Outcome, "session" | "role" | "lease">): Promise<Found | undefined> {
    const data = await this.#waiting(work.lease);
    if (this.#closed) return undefined;
    if (data === undefined) return { kind: "gone" };
    const found = await this.#find(work);
    if (found === undefined) return undefined;
    const { accepted } = found;
    return accepted === undefined ? { kind: "open", data } : { kind: "answered", data, accepted };
  }

  /** The outcome that was accepted for work of which it is known to have one, if the log still has it. */
  async accepted(
    work: Pick<Outcome, "session" | "role" | "lease">,
  ): Promise<AcceptedOutcome | undefined> {
    return (await this.#find(work))?.accepted;
  }

  /** The outcomes that were accepted for a role's work, by its identity, as far as the log has them. */
  async acceptedOf(
    owner: Pick<Outcome, "session" | "role">,
    works: readonly Pick<Outcome, "lease">[],
  ): Promise<ReadonlyMap<string, AcceptedOutcome> | undefined> {
    const oldestMs = works.reduce((ms, { lease }) => Math.min(ms, lease.storedAtMs), Infinity);
    return await this.#persist(() => this.#answered.ofWorkSince(owner, oldestMs));
  }

  /**
   * Whether work has an outcome that was stored at a time, in milliseconds, or later. Asked again
   * for a role with the same time, what was read then is the answer.
   */
  async answeredSince(
    { session, role, lease }: Pick<Outcome, "session" | "role" | "lease">,
    since: number,
  ): Promise<boolean> {
    let lately = this.#lately.get(lease.consumer);
    if (lately?.since !== since) {
      const answered = this.#persist(() => this.#answered.since(session, role, since));
      lately = { since, answered };
      this.#lately.set(lease.consumer, lately);
    }
    return (await lately.answered)?.has(lease.work) ?? false;
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
      data: text,
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

  /** Whether an outcome that could not be stored for long is still wanted. */
  async #askLate({ subject, id }: LateEntry): Promise<Lateness | undefined> {
    const parsed = parseSubject(subject);
    const place = workPlace(plainIdentity(id));
    if (parsed?.kind !== "results" || place === undefined) return { kind: "open" };
    const { session, role } = parsed;
    const lease: Lease = {
      subject: "",
      consumer: consumerName(session, role),
      attempt: 1,
      sequence: place.sequence,
      work: plainIdentity(id),
      storedAtMs: place.storedAt.getTime(),
    };
    const found = await this.lookUp({ session, role, lease });
    if (found?.kind !== "answered") return found;
    return { kind: "answered", sequence: found.accepted.sequence };
  }

  async #find(
    { session, role, lease }: Pick<Outcome, "session" | "role" | "lease">,
  ): Promise<{ readonly accepted: AcceptedOutcome | undefined } | undefined> {
    return await this.#persist(async () => {
      return { accepted: await this.#answered.find(session, role, lease) };
    });
  }

  /** The work as it is in the stream, `undefined` if it is gone. */
  async #waiting(lease: Lease): Promise<Uint8Array | undefined> {
    const { connection } = this.#options;
    const stored = await this.#persist(() => readStored(connection, WORK_STREAM, lease.sequence));
    if (stored === undefined || workIdentity(stored) !== lease.work) {
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
        if (this.#options.connection.connected) return await this.#questions.run(ask);
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

/** The first attempt's results, nearly all of them, need none. */
function resultHeaders(attempt: number, type: string): Record<string, string> | undefined {
  const failed = type === AGENT_TYPE.error ? FAILED : undefined;
  if (attempt === 1) return failed;
  return { ...failed, [LOG_HEADER.attempt]: String(attempt) };
}

function acceptedOf(found: Found): AcceptedOutcome | undefined {
  return found.kind === "answered" ? found.accepted : undefined;
}

function deadWork({ id, session, role, lease }: Outcome, data: Uint8Array): DeadWork {
  return {
    ...{ id, session, role, data },
    identity: lease.work,
    results: resultsSubject(session, role),
    dead: deadSubject(session, role),
    attempts: lease.attempt,
  };
}

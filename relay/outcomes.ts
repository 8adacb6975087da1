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
  type Connection,
  type LateEntry,
  type Lateness,
  type LogWriter,
  plainIdentity,
  type Stored,
} from "@ourocodus/bus";
import {
  AGENT_TYPE,
  deadSubject,
  formatMessage,
  type Lease,
  LOG_HEADER,
  parseSubject,
  resultsSubject,
  RoleId,
  workPlace,
} from "@ourocodus/protocol";
import type { Backlog } from "./backlog.ts";
import { type DeadWork, type Reason, storeDeadLetter, storeLetter } from "./dead_letter.ts";
import type { Found, OutcomeReader } from "./outcome_reader.ts";
import { monotonicMs, type Work } from "./work.ts";

/** What an outcome is stored for; a {@linkcode Work} is one. */
export type Outcome = Pick<
  Work,
  "id" | "session" | "role" | "lease" | "attempt" | "sole" | "since"
>;

/** What outcomes are stored with. */
export interface OutcomesOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  readonly reader: OutcomeReader;
  readonly backlog: Backlog;
  /** The log's duplicate window, in milliseconds. */
  readonly duplicateWindowMs: number;
  /** Told what keeps an outcome from being stored; it is tried again. */
  readonly onProblem: (reason: string) => void;
}

const FAILED = { [LOG_HEADER.outcome]: "failed" };

/** Stores outcomes. */
export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
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
    const looking = this.#options.reader.lookUp(outcome);
    void this.#options.backlog.during(text.length, looking).then(async (found) => {
      if (found?.kind === "open") return writer.append(entry);
      if (found?.kind === "answered") await this.finish(outcome, found);
      if (found !== undefined) onSettled({ kind: "duplicate", accepted: acceptedOf(found) });
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
    const data = await this.#options.reader.waiting(lease);
    if (data === undefined) return false;
    const found = outcome.sole
      ? { kind: "open" } as const
      : await this.#options.reader.lookUp(outcome);
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
    if (accepted.outcome === "dead" && !await this.#options.reader.hasDeadLetter(outcome)) {
      const { code, message, attempts } = await this.#options.reader.errorAt(accepted.sequence);
      const work = { ...deadWork(outcome, data), ...(attempts !== undefined && { attempts }) };
      await storeLetter(work, { code, message }, this.#options);
    }
    this.#options.acknowledger.acknowledge(outcome.lease.subject);
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
      roleKey: new RoleId(session, role).key,
      attempt: 1,
      sequence: place.sequence,
      work: plainIdentity(id),
      storedAtMs: place.storedAt.getTime(),
    };
    const found = await this.#options.reader.lookUp({ session, role, lease });
    if (found?.kind !== "answered") return found;
    return { kind: "answered", sequence: found.accepted.sequence };
  }
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

/**
 * How a work item ends: with a result, or with an error outcome and a dead letter.
 *
 * Invariants:
 * 1. All outcomes of a work item go to one subject of its own, where the stream accepts one of them.
 * 2. Work is acknowledged only when it has an outcome in the log.
 *
 * @module
 */
import type { Acknowledger, Connection, LogWriter, Stored } from "@ourocodus/bus";
import {
  AGENT_TYPE,
  deadSubject,
  formatMessage,
  LOG_HEADER,
  outcomeSubject,
} from "@ourocodus/protocol";
import { type DeadWork, type Reason, storeDeadLetter, storeLetter } from "./dead_letter.ts";
import type { Answer, Answered, AttemptView } from "./attempt_effects.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { OutcomeReader } from "./outcome_reader.ts";

/** What an outcome is stored for; an attempt is one. */
export type Outcome = Pick<
  AttemptView,
  "id" | "session" | "role" | "lease" | "number" | "since"
>;

/** What outcomes are stored with. */
export interface OutcomesOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  readonly acknowledger: Acknowledger;
  readonly reader: OutcomeReader;
  readonly metrics: RelayMetrics;
  /** Told what keeps an outcome from being stored; it is tried again. */
  readonly onProblem: (reason: string) => void;
}

const FAILED = { [LOG_HEADER.outcome]: "failed" };

/** Stores outcomes. */
export class Outcomes {
  readonly #options: OutcomesOptions;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /**
   * Stores an answer and acknowledges its work. All results come here, so where two race, at one relay
   * or at two, the stream stores the first. The other settles as `duplicate`, see `Answers`.
   *
   * @param answer The agent's message, forwarded as it is.
   * @param onSettled Called once: `duplicate` if another outcome was accepted.
   */
  result(outcome: Outcome, { text, type }: Answer, onSettled: (stored: Stored) => void): void {
    const { writer, acknowledger, metrics } = this.#options;
    const { session, role, lease } = outcome;
    writer.append({
      subject: outcomeSubject(session, role, lease.work),
      data: text,
      id: lease.work,
      headers: resultHeaders(outcome.number, type),
      // The stream refuses it if the subject has a message, however old.
      fenced: true,
      onSettled: (stored) => {
        if (stored.kind === "refused") return this.#refused(outcome, stored.reason, onSettled);
        acknowledger.acknowledge(lease.subject);
        if (stored.kind === "stored") {
          metrics.results++;
          metrics.resultCharacters += text.length;
          metrics.worked.observe(performance.now() - outcome.since);
        }
        onSettled(stored);
      },
    });
  }

  /**
   * Lets work die: stores an error outcome, so that the sender learns of it, and the work itself as a dead
   * letter, then acknowledges it.
   *
   * @returns Whether it is dead now; `false` if it had an outcome.
   */
  async bury(outcome: Outcome, reason: Reason): Promise<boolean> {
    const { lease } = outcome;
    const data = await this.#options.reader.waiting(lease);
    if (data === undefined) return false;
    const first = await storeDeadLetter(deadWork(outcome, data), reason, this.#options);
    if (first.kind === "stored") this.#options.acknowledger.acknowledge(lease.subject);
    const { accepted } = first.kind === "duplicate" ? first : {};
    if (accepted !== undefined) await this.finish(outcome, { kind: "answered", data, accepted });
    return first.kind === "stored";
  }

  /**
   * Acknowledges work that has an outcome already. If that is the error outcome of dead work, its
   * dead letter is stored first: the relay may have died between the two.
   */
  async finish(outcome: Outcome, { accepted, data }: Answered): Promise<void> {
    const { reader, acknowledger } = this.#options;
    if (accepted.outcome === "dead" && !await reader.hasDeadLetter(outcome)) {
      const { code, message, attempts } = await reader.errorAt(accepted.sequence);
      const work = { ...deadWork(outcome, data), ...(attempts !== undefined && { attempts }) };
      await storeLetter(work, { code, message }, this.#options);
    }
    acknowledger.acknowledge(outcome.lease.subject);
  }

  /** A result that can never be stored becomes an error outcome, so that its work ends too. */
  #refused(
    { id, session, role, lease }: Outcome,
    reason: string,
    onSettled: (stored: Stored) => void,
  ): void {
    const { writer, acknowledger, onProblem } = this.#options;
    const message = `The result cannot be stored: ${reason}`;
    writer.append({
      subject: outcomeSubject(session, role, lease.work),
      data: formatMessage(id, "error", { code: "result_refused", message }),
      id: lease.work,
      headers: FAILED,
      fenced: true,
      onSettled: (stored) => {
        // Without an outcome the work stays in its stream, and is handed out again.
        if (stored.kind === "refused") onProblem(stored.reason);
        else acknowledger.acknowledge(lease.subject);
        onSettled(stored.kind === "stored" ? { kind: "refused", reason } : stored);
      },
    });
  }
}

/** The first attempt's results, nearly all of them, need none. */
function resultHeaders(number: number, type: string): Record<string, string> | undefined {
  const failed = type === AGENT_TYPE.error ? FAILED : undefined;
  if (number === 1) return failed;
  return { ...failed, [LOG_HEADER.attempt]: String(number) };
}

function deadWork({ id, session, role, lease }: Outcome, data: Uint8Array): DeadWork {
  return {
    ...{ id, session, role, data },
    identity: lease.work,
    outcome: outcomeSubject(session, role, lease.work),
    dead: deadSubject(session, role),
    attempts: lease.attempt,
  };
}

/**
 * What agents are told of their answers, and answers that come late: of attempts that this relay has
 * released, or that another relay had. Whichever attempt's outcome is stored first wins.
 *
 * @module
 */
import type { AcceptedOutcome, Stored } from "@ourocodus/bus";
import type { Lease } from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Attempt } from "./attempt.ts";
import { type Answer, attemptItem, type AttemptView } from "./attempt_effects.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog } from "./backlog.ts";
import type { Journal } from "./journal.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Peers } from "./peers.ts";

/** What {@linkcode Answers} works with. */
export interface AnswersOptions {
  readonly attempts: Attempts;
  readonly outcomes: Outcomes;
  readonly reader: OutcomeReader;
  readonly peers: Peers;
  readonly backlog: Backlog;
  readonly journal: Journal;
  readonly metrics: RelayMetrics;
}

/** Tells agents what became of their answers. */
export class Answers {
  readonly #options: AnswersOptions;

  constructor(options: AnswersOptions) {
    this.#options = options;
  }

  /** The answer to an attempt that the agent still had was stored, or not. */
  settled(attempt: AttemptView, agent: AgentConnection, stored: Stored): void {
    const { offered } = attempt;
    if (stored.kind !== "duplicate") return tellStored(agent, stored, offered);
    this.#duplicate(agent, attemptItem(attempt), stored.accepted, offered);
  }

  /** A plain agent has answered what another attempt has answered meanwhile. */
  async superseded(attempt: AttemptView, agent: AgentConnection): Promise<void> {
    const item = attemptItem(attempt);
    this.#duplicate(agent, item, await this.#options.reader.accepted(attempt));
  }

  /**
   * An agent has answered what it was not given by this connection, or has not any more. If nobody
   * was faster, its answer is the result, and the attempt that another agent has by now is cancelled.
   */
  async late(agent: AgentConnection, answer: Answer, id: string, lease: Lease): Promise<void> {
    const { attempts, outcomes, reader, backlog, peers } = this.#options;
    const { session, role, agentId } = agent;
    const outcome = {
      ...{ id, session, role, agentId, lease },
      ...{ number: lease.attempt, since: performance.now() },
    };
    const duplicate = (accepted?: AcceptedOutcome) =>
      this.#duplicate(agent, attemptItem(outcome), accepted, lease.subject);
    agent.unsettled++;
    const found = hasOutcome(attempts.find(lease))
      ? { kind: "gone" } as const
      : await backlog.during(answer.text.length, reader.lookUp(outcome));
    if (found === undefined) return;
    if (found.kind !== "open" || hasOutcome(attempts.find(lease))) {
      const accepted = found.kind === "answered" ? found.accepted : await reader.accepted(outcome);
      agent.unsettled--;
      return duplicate(accepted);
    }
    outcomes.result(outcome, answer, (stored) => {
      agent.unsettled--;
      if (stored.kind === "duplicate") return duplicate(stored.accepted);
      peers.answered(lease, agent);
      tellStored(agent, stored, lease.subject);
    });
  }

  #duplicate(
    agent: AgentConnection,
    item: object,
    accepted: AcceptedOutcome | undefined,
    lease?: string,
  ): void {
    this.#options.metrics.duplicates++;
    this.#options.journal.work(agent.session, "result.duplicate", {
      ...item,
      accepted_attempt: accepted?.attempt,
      accepted_outcome: accepted?.outcome,
    });
    agent.refuse("duplicate", duplicateReason(accepted), lease);
  }
}

/** Tells an agent that its answer is stored, or an error in its place. */
function tellStored(
  agent: AgentConnection,
  stored: Exclude<Stored, { readonly kind: "duplicate" }>,
  lease: string,
): void {
  if (stored.kind === "refused") agent.refuse("result_refused", stored.reason, lease);
  agent.tellStored(lease);
}

/** Whether an attempt's work has an outcome, or is about to. */
function hasOutcome(attempt: Attempt | undefined): boolean {
  return attempt?.state === "settling" || attempt?.state === "superseded";
}

function duplicateReason(accepted: AcceptedOutcome | undefined): string {
  switch (accepted?.outcome) {
    case "cancelled":
      return "the work was cancelled";
    case "dead":
      return `the work was given up on after attempt ${accepted.attempt}`;
    default:
      return accepted === undefined
        ? "another result was accepted for this work, or it was given up on"
        : `the result of attempt ${accepted.attempt} was accepted for this work`;
  }
}

/**
 * What attempts ask for, on a real relay.
 *
 * @module
 */
import type { Acknowledger, Connection, Stored, WorkQueue } from "@ourocodus/bus";
import { type Lease, messageOf, onlyCharged, type WorkLimits } from "@ourocodus/protocol";
import { getLogger } from "@logtape/logtape";
import type { AgentConnection } from "./agent_connection.ts";
import type { Agents } from "./agents.ts";
import type { Answers } from "./answers.ts";
import type { Attempt } from "./attempt.ts";
import {
  type Answer,
  type Answered,
  attemptItem,
  type AttemptView,
  type Effects,
  type Found,
  type InLine,
} from "./attempt_effects.ts";
import type { AttemptLimits } from "./attempt_time.ts";
import type { Attempts } from "./attempts.ts";
import type { Backlog } from "./backlog.ts";
import type { Conversations } from "./conversations.ts";
import type { Reason } from "./dead_letter.ts";
import { inWords } from "./in_words.ts";
import type { Journal } from "./journal.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { OutcomeReader } from "./outcome_reader.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Peers } from "./peers.ts";
import type { Releases } from "./releases.ts";
import type { Released } from "./settlement.ts";
import type { Role } from "./role.ts";
import type { Scheduler } from "./scheduler.ts";
import type { RelayLimits } from "./settings.ts";
import type { Turn } from "./turn.ts";
import type { Watch } from "./watch.ts";

/** The parts of a relay that {@linkcode RelayEffects} calls. */
export interface EffectsOptions {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly acknowledger: Acknowledger;
  readonly limits: RelayLimits;
  readonly agents: Agents;
  readonly attempts: Attempts;
  readonly scheduler: Scheduler;
  readonly releases: Releases;
  readonly peers: Peers;
  readonly outcomes: Outcomes;
  readonly answers: Answers;
  readonly reader: OutcomeReader;
  readonly backlog: Backlog;
  readonly conversations: Conversations;
  readonly journal: Journal;
  readonly metrics: RelayMetrics;
  readonly turn: Turn;
  readonly watch: Watch;
}

const DECODER = new TextDecoder();
const log = getLogger(["ourocodus", "relay"]);

/** The effects of a relay. */
export class RelayEffects implements Effects {
  readonly maxDeliver: number;
  readonly hasGrace: boolean;
  readonly #parts: EffectsOptions;
  readonly #graces = new Set<ReturnType<typeof setTimeout>>();

  constructor(parts: EffectsOptions) {
    this.#parts = parts;
    this.maxDeliver = parts.limits.maxDeliver;
    this.hasGrace = parts.limits.graceMs > 0;
  }

  get draining(): boolean {
    return this.#parts.scheduler.draining;
  }

  findSlot(role: Role, attempt: Attempt): AgentConnection | "wait" | undefined {
    return this.#parts.scheduler.findSlot(role, attempt);
  }

  hasOther(attempt: AttemptView): boolean {
    return this.#parts.scheduler.hasOther(attempt);
  }

  slotsChanged(agent: AgentConnection): void {
    this.#parts.scheduler.slotsChanged(agent);
  }

  roleChanged(role: Role): void {
    this.#parts.turn.role(role);
  }

  newerOf(agent: AgentConnection): AgentConnection | undefined {
    const newest = this.#parts.agents.find(agent);
    return newest === agent ? undefined : newest;
  }

  startGrace(attempt: Attempt, onOver: () => void): () => void {
    const { attempts, limits, turn } = this.#parts;
    const { session, role, agentId = "" } = attempt;
    const agent = { session, role, agentId };
    attempts.away(agent, attempt);
    const timer = setTimeout(() => {
      try {
        onOver();
      } catch (error) {
        log.error("an attempt cannot be released", { id: attempt.id, error: messageOf(error) });
      }
      turn.something();
    }, limits.graceMs);
    this.#graces.add(timer);
    return () => {
      clearTimeout(timer);
      this.#graces.delete(timer);
      attempts.notAway(agent, attempt);
    };
  }

  check(role: Role, attempt: AttemptView, onFound: (found: Found) => void): void {
    void this.#parts.peers.check(role, attempt, onFound);
  }

  stand(role: Role, attempt: Attempt, inLine: InLine): () => void {
    return this.#parts.conversations.stand(role, attempt, inLine);
  }

  read({ lease }: AttemptView, onRead: (text: string | undefined) => void): void {
    const { reader } = this.#parts;
    void reader.waiting(lease).then((data) => {
      if (!reader.closed) onRead(data && DECODER.decode(data));
    });
  }

  keepSaid(characters: number): void {
    this.#parts.backlog.add(characters);
  }

  limitsOf(
    attempt: Attempt,
    { limits: agent }: AgentConnection,
    work: WorkLimits | undefined,
  ): AttemptLimits | undefined {
    const { limits, watch } = this.#parts;
    const noProgressMs = work?.noProgressMs ?? agent.noProgressMs ?? limits.noProgressMs;
    const maxMs = agent.maxAttemptMs ?? limits.maxAttemptMs;
    const deadline = work?.deadlineMs === undefined
      ? maxMs === 0
        ? undefined
        : deadlineAfter(attempt.deliveredAt + (attempt.time?.moreMs ?? 0), maxMs, "the attempt")
      : deadlineAfter(begunAt(attempt), work.deadlineMs, "the work");
    if (noProgressMs === 0 && deadline === undefined) return undefined;
    watch.add(attempt);
    return { ...(deadline && { deadline }), ...(noProgressMs > 0 && { noProgressMs }) };
  }

  extend({ lease }: AttemptView): void {
    const { connection, queue } = this.#parts;
    if (connection.connected) queue.extend(lease.subject);
  }

  counted(lease: Lease): Lease {
    return this.#parts.releases.counted(lease);
  }

  release(attempt: AttemptView, delayMs: number, recorded: boolean): void {
    this.#parts.peers.tellReleased(attempt);
    this.#parts.releases.release(attempt, delayMs, recorded);
  }

  storeRecord(attempt: AttemptView): void {
    this.#parts.releases.store(attempt);
  }

  putOff(attempt: AttemptView, delayMs: number): void {
    this.#parts.releases.putOff(attempt, delayMs);
  }

  putBack({ subject }: Lease): void {
    const { connection, queue } = this.#parts;
    if (connection.connected) queue.release(subject);
  }

  acknowledge({ subject }: Lease): void {
    this.#parts.acknowledger.acknowledge(subject);
  }

  store(attempt: AttemptView, answer: Answer, onSettled: (stored: Stored) => void): void {
    this.#parts.outcomes.result(attempt, answer, onSettled);
  }

  deadLetter(attempt: AttemptView, reason: Reason, onBuried: (done: boolean) => void): void {
    const item = attemptItem(attempt, { reason: reason.code, error: reason.message });
    this.#bury(attempt, reason, item).then(onBuried, (error) => {
      log.error("work cannot be buried", { ...item, error: messageOf(error) });
      onBuried(true);
    });
  }

  /** @returns Whether that was done, because no other relay has an agent for it. */
  async #bury(attempt: AttemptView, reason: Reason, item: object): Promise<boolean> {
    const { outcomes, peers, metrics, journal } = this.#parts;
    const isOnes = attempt.isSpent && onlyCharged(attempt.record) !== undefined;
    if (isOnes && await peers.hasOther(attempt)) return false;
    if (!await outcomes.bury(attempt, reason)) return true;
    const { session } = attempt;
    metrics.dead++;
    log.warn("work is dead", { session, ...item });
    journal.work(session, "work.dead", item);
    return true;
  }

  finish(attempt: AttemptView, found: Answered): void {
    void this.#parts.outcomes.finish(attempt, found);
  }

  tellSettled(attempt: AttemptView, agent: AgentConnection, stored: Stored): void {
    this.#parts.answers.settled(attempt, agent, stored);
  }

  tellDuplicate(attempt: AttemptView, agent: AgentConnection): void {
    void this.#parts.answers.superseded(attempt, agent);
  }

  recordOffered(attempt: AttemptView): void {
    const { metrics, journal } = this.#parts;
    const { number, session, deliveredAt, lease } = attempt;
    if (number > 1) metrics.redelivered++;
    else {
      metrics.delivered++;
      metrics.queued.observe(deliveredAt - lease.storedAtMs);
    }
    journal.work(
      session,
      number > 1 ? "work.redelivered" : "work.offered",
      attemptItem(attempt),
    );
  }

  recordReleased(
    attempt: AttemptView,
    { code: reason, message: error }: Reason,
    { charged }: Released,
  ): void {
    const { metrics, journal } = this.#parts;
    const { session, record: { not_before } } = attempt;
    metrics.returned++;
    const words = error === "" ? {} : { error };
    const item = attemptItem(attempt, { reason, ...words, charged, not_before });
    journal.work(session, "work.returned", item);
  }

  verified(attempt: Attempt): void {
    this.#parts.attempts.verified(attempt);
    log.debug("an agent has resumed work", {
      agent_id: attempt.agentId,
      seq: attempt.lease.sequence,
    });
  }

  ended(attempt: Attempt): void {
    this.#parts.watch.delete(attempt);
    this.#parts.attempts.delete(attempt);
    this.#parts.conversations.ended(attempt);
  }

  /** Ends all timers. */
  close(): void {
    for (const timer of this.#graces) clearTimeout(timer);
  }
}

/** When work began, in milliseconds since 1970. */
function begunAt({ record: { begun }, deliveredAt }: AttemptView): number {
  return begun === undefined ? deliveredAt : Date.parse(begun);
}

function deadlineAfter(
  begunAt: number,
  ms: number,
  what: string,
): NonNullable<AttemptLimits["deadline"]> {
  return { at: begunAt + ms, message: `${what} has taken longer than ${inWords(ms)}` };
}

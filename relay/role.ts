/**
 * The agents of one session and role, and the queue of their work: an agent with a free slot gets
 * the next attempt, in turn.
 *
 * Invariants:
 * 1. No agent has more attempts than its concurrency.
 * 2. The queue is asked for as much as there are free slots, less what will need one already.
 *
 * @module
 */
import type { RoleQueue } from "@ourocodus/bus";
import type { RoleId } from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Attempt } from "./attempt.ts";
import type { AttemptView, RoleSlots } from "./attempt_effects.ts";
import { isOther } from "./settlement.ts";

/** How long work that was tried waits for an agent that has not, in milliseconds. */
const OTHER_AGENT_MS = 30_000;

/** A session's role. */
export class Role implements RoleSlots {
  readonly id: RoleId;
  /** In milliseconds since 1970. */
  readonly openedAt: number = Date.now();
  readonly queued: Set<Attempt> = new Set();
  readonly inLine: Set<Attempt> = new Set();
  reserved = 0;
  /** Whether work has records of attempts from before the role was opened, once that was asked. */
  hasRecords: Promise<boolean | undefined> | undefined;
  /** Whether it is known that none has. */
  isUnrecorded = false;
  readonly #queue: RoleQueue;
  readonly #agents = new Set<AgentConnection>();
  /** Agents with a free slot, the one whose turn it is first. */
  readonly #ready = new Set<AgentConnection>();

  constructor(id: RoleId, queue: RoleQueue) {
    this.id = id;
    this.#queue = queue;
  }

  /** Connected agents. */
  get agents(): ReadonlySet<AgentConnection> {
    return this.#agents;
  }

  /** Whether any agent takes work, now or when it has a free slot again. */
  get open(): boolean {
    for (const agent of this.#agents) if (agent.takesWork) return true;
    return false;
  }

  /** Adds an agent. */
  join(agent: AgentConnection): void {
    this.#agents.add(agent);
    this.slotsChanged(agent);
  }

  /** Removes an agent. */
  leave(agent: AgentConnection): void {
    this.#agents.delete(agent);
    this.#ready.delete(agent);
  }

  /** An agent has more slots, or fewer. */
  slotsChanged(agent: AgentConnection): void {
    if (agent.free > 0) this.#ready.add(agent);
    else this.#ready.delete(agent);
  }

  /**
   * Finds the next agent that can take work, to which it is to be given at once. One that has tried it
   * gets it only if no other one takes it in time, the one that had it last after all others.
   *
   * @returns `wait`, if one has a free slot but cannot take this work now, or is to leave it to another.
   */
  findSlot(attempt: AttemptView): AgentConnection | "wait" | undefined {
    const { id, record, isSpent } = attempt;
    let hasFree = false;
    let tried: AgentConnection | undefined;
    for (const agent of this.#ready) {
      if (!agent.canTake(id)) hasFree ||= agent.free > 0;
      else if (isOther(attempt, agent.agentId)) return this.#nextIs(agent);
      else if (tried === undefined || tried.agentId === record.agent_id) tried = agent;
    }
    if (tried === undefined) return hasFree ? "wait" : undefined;
    if (isSpent) return "wait";
    const waits = performance.now() - attempt.since < OTHER_AGENT_MS;
    return waits && this.hasOther(attempt) ? "wait" : this.#nextIs(tried);
  }

  /** Whether an agent takes work, now or before long, that has not tried this. @param than Not this one. */
  hasOther(attempt: AttemptView, than?: AgentConnection): boolean {
    for (const agent of this.#agents) {
      if (agent !== than && agent.mayTakeWork && isOther(attempt, agent.agentId)) return true;
    }
    return false;
  }

  /** An agent gets an attempt now: the others' turns come before its next one. */
  #nextIs(agent: AgentConnection): AgentConnection {
    if (agent.free === 1) this.#ready.delete(agent);
    else if (this.#ready.size > 1) {
      this.#ready.delete(agent);
      this.#ready.add(agent);
    }
    return agent;
  }

  /** Hands what is queued to agents that can take it now. */
  handOut(): void {
    for (const attempt of [...this.inLine]) attempt.checkTime();
    for (const attempt of [...this.queued]) {
      attempt.checkTime();
      if (attempt.state !== "queued") continue;
      if (attempt.isSpent && !this.hasOther(attempt)) attempt.noOther();
      else {
        const agent = this.findSlot(attempt);
        if (typeof agent === "object") attempt.slotFound(agent);
      }
    }
  }

  /** No agent takes what is queued. @param reason See {@linkcode Attempt.noAgent}. */
  turnAway(reason: Parameters<Attempt["noAgent"]>[0]): void {
    for (const attempt of [...this.inLine, ...this.queued]) attempt.noAgent(reason);
  }

  /** Asks the queue for as much as can be taken now. @param open `false` asks for nothing. */
  pull(open: boolean): void {
    let free = 0;
    if (open) { for (const agent of this.#ready) free += agent.free; }
    this.#queue.want(Math.max(0, free - this.#taking() - this.reserved));
  }

  /** How much of what is queued takes free slots: what waits for another agent does not, up to a limit. */
  #taking(): number {
    let waiting = 0;
    let slots = 0;
    if (this.queued.size > 0) {
      for (const { record } of this.queued) if (record.attempt > 0) waiting++;
      for (const { concurrency } of this.#agents) slots += concurrency;
    }
    return this.queued.size - Math.min(waiting, slots);
  }

  /**
   * Asks for nothing more; resolves when nothing more comes.
   *
   * @param unneeded See {@linkcode RoleQueue.close}.
   */
  async close(unneeded: boolean): Promise<void> {
    await this.#queue.close(unneeded);
  }
}

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
import type { RoleSlots } from "./attempt_effects.ts";

/** A session's role. */
export class Role implements RoleSlots {
  readonly id: RoleId;
  readonly queued: Set<Attempt> = new Set();
  reserved = 0;
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
   * Finds the next agent that can take work, to which it is to be given at once.
   *
   * @param id The message's.
   * @param lastAgent The agent that had the work last: it gets it again if no other one can.
   * @returns `wait`, if one has a free slot but cannot take this work now.
   */
  findSlot(id: string, lastAgent?: string): AgentConnection | "wait" | undefined {
    let hasFree = false;
    let last: AgentConnection | undefined;
    for (const agent of this.#ready) {
      if (!agent.canTake(id)) hasFree ||= agent.free > 0;
      else if (agent.agentId === lastAgent) last = agent;
      else return this.#nextIs(agent);
    }
    if (last !== undefined) return this.#nextIs(last);
    return hasFree ? "wait" : undefined;
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
    for (const attempt of [...this.queued]) {
      const agent = this.findSlot(attempt.id);
      if (typeof agent === "object") attempt.slotFound(agent);
    }
  }

  /** No agent takes what is queued. @param reason See {@linkcode Attempt.noAgent}. */
  turnAway(reason: Parameters<Attempt["noAgent"]>[0]): void {
    for (const attempt of [...this.queued]) attempt.noAgent(reason);
  }

  /** Asks the queue for as much as can be taken now. @param open `false` asks for nothing. */
  pull(open: boolean): void {
    let free = 0;
    if (open) { for (const agent of this.#ready) free += agent.free; }
    this.#queue.want(Math.max(0, free - this.queued.size - this.reserved));
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

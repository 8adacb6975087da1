/**
 * The agents of one session and role, and the queue of their work: an agent with a free slot gets
 * the next piece, in turn.
 *
 * Invariants:
 * 1. No agent has more work than its concurrency.
 * 2. The queue is asked for as much as there are free slots, less what waits already.
 *
 * @module
 */
import type { RoleQueue } from "@ourocodus/bus";
import type { RoleId } from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Work } from "./work.ts";

/** A session's role. */
export class Role {
  readonly id: RoleId;
  readonly #queue: RoleQueue;
  readonly #agents = new Set<AgentConnection>();
  /** Agents with a free slot, the one whose turn it is first. */
  readonly #ready = new Set<AgentConnection>();
  /** Work that has come and is being looked up before it is offered; it will need a slot. */
  reserved = 0;
  #waiting: { readonly work: Work; readonly text: string }[] = [];

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

  /** Whether any agent has a free slot now. */
  get hasFree(): boolean {
    for (const agent of this.#ready) if (agent.free > 0) return true;
    return false;
  }

  /** Adds an agent. */
  join(agent: AgentConnection): void {
    this.#agents.add(agent);
    this.#ready.add(agent);
  }

  /** Removes an agent. @returns Work that waited, if no other takes any. */
  leave(agent: AgentConnection): Work[] {
    this.#agents.delete(agent);
    this.#ready.delete(agent);
    return this.open ? [] : this.takeWaiting();
  }

  /** Hands work to the next agent that can take it, or keeps it until one can. */
  offer(work: Work, text: string): AgentConnection | undefined {
    for (const agent of this.#ready) {
      if (!agent.canTake(work.id)) continue;
      agent.give(work, text);
      if (agent.free === 0) this.#ready.delete(agent);
      else if (this.#ready.size > 1) {
        this.#ready.delete(agent);
        this.#ready.add(agent);
      }
      return agent;
    }
    work.state = "waiting";
    this.#waiting.push({ work, text });
    return undefined;
  }

  /** Notes that an agent's free slots have changed. @returns Work that waited, with who has it now. */
  freed(agent: AgentConnection): { readonly work: Work; readonly agent: AgentConnection }[] {
    if (agent.free > 0) this.#ready.add(agent);
    else this.#ready.delete(agent);
    if (this.#waiting.length === 0) return [];
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.flatMap(({ work, text }) => {
      const taker = this.offer(work, text);
      return taker === undefined ? [] : [{ work, agent: taker }];
    });
  }

  /** Takes out all work that waits. */
  takeWaiting(): Work[] {
    const works = this.#waiting.map(({ work }) => work);
    this.#waiting = [];
    return works;
  }

  /** Drops one piece of waiting work. */
  drop(work: Work): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.work !== work);
  }

  /** Asks the queue for as much as can be taken now. @param open `false` asks for nothing. */
  pull(open: boolean): void {
    let free = 0;
    if (open) { for (const agent of this.#ready) free += agent.free; }
    this.#queue.want(Math.max(0, free - this.#waiting.length - this.reserved));
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

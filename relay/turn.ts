/**
 * One turn of the event loop: notes which agents and roles have something to do, and does it all
 * at the turn's end, so that what came together goes out together.
 *
 * @module
 */
import type { AgentConnection } from "./agent_connection.ts";
import type { Role } from "./role.ts";

/** What has to be done at the end of a turn. */
export interface TurnEnd {
  readonly agents: ReadonlySet<AgentConnection>;
  readonly roles: ReadonlySet<Role>;
}

/** Collects what a turn of the event loop brings. */
export class Turn {
  readonly #onEnd: (end: TurnEnd) => void;
  #agents = new Set<AgentConnection>();
  #roles = new Set<Role>();
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  #closed = false;

  /** @param onEnd Called at the end of every turn in which something was noted. */
  constructor(onEnd: (end: TurnEnd) => void) {
    this.#onEnd = onEnd;
  }

  /** Something waits to be sent to this agent. */
  agent(agent: AgentConnection): void {
    this.#agents.add(agent);
    this.something();
  }

  /** This role's free slots have changed. */
  role(role: Role): void {
    this.#roles.add(role);
    this.something();
  }

  /** Something waits to be stored. */
  something(): void {
    if (!this.#closed) this.#scheduled ??= setImmediate(() => this.end());
  }

  /** Ends the turn at once. */
  end(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const agents = this.#agents;
    const roles = this.#roles;
    // What is noted from here on belongs to the next turn.
    if (agents.size > 0) this.#agents = new Set();
    if (roles.size > 0) this.#roles = new Set();
    this.#onEnd({ agents, roles });
  }

  /** No turn ends any more, nor does the one that is under way. */
  close(): void {
    this.#closed = true;
    clearImmediate(this.#scheduled);
  }
}

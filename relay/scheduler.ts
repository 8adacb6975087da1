/**
 * Which agent gets which attempt, and how much work is asked for. A role's queue is open while the
 * role has agents, unless the relay is ending.
 *
 * @module
 */
import type { Delivery, WorkQueue } from "@ourocodus/bus";
import type { RoleId } from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Attempt } from "./attempt.ts";
import type { AttemptView } from "./attempt_effects.ts";
import { Role } from "./role.ts";
import type { Turn } from "./turn.ts";

/** What a {@linkcode Scheduler} works with. */
export interface SchedulerOptions {
  readonly queue: WorkQueue;
  readonly turn: Turn;
  /** Work has come for a role. */
  readonly onWork: (role: Role, delivery: Delivery) => void;
  /** Work cannot be pulled; the role goes on trying. */
  readonly onProblem: (role: Role, reason: string) => void;
}

/** A relay's roles. */
export class Scheduler implements Iterable<Role> {
  readonly #options: SchedulerOptions;
  /** By their keys. */
  readonly #roles = new Map<string, Role>();
  readonly #closings = new Set<Promise<void>>();
  #overloaded = false;
  #draining = false;

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  /** Each role that is open. */
  [Symbol.iterator](): Iterator<Role> {
    return this.#roles.values();
  }

  /** Whether nothing is asked for or handed out any more: the relay is ending. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Adds an agent to its role, which is opened unless it is open. */
  join(agent: AgentConnection): void {
    this.#open(agent.roleId).join(agent);
  }

  /** Removes an agent from its role, which is closed without agents. */
  leave(agent: AgentConnection): void {
    const role = this.#roles.get(agent.roleId.key);
    if (role === undefined) return;
    role.leave(agent);
    // Before its work is released: NATS would deliver it for slots that are gone, to nobody, and again
    // only when its lease has run out.
    if (role.agents.size > 0) this.#pull(role);
    else {
      this.#roles.delete(role.id.key);
      this.#stopPulling(role, !this.#draining);
    }
    if (!role.open) role.turnAway("disconnected");
  }

  /** An agent of a role that can take an attempt now; see {@linkcode Role.findSlot}. */
  findSlot(role: Role, attempt: Attempt): AgentConnection | "wait" | undefined {
    const slot = this.#draining ? undefined : role.findSlot(attempt);
    // Takes back what was asked for in excess before the work is released, or it would come again.
    if (slot === undefined) this.#pull(role);
    return slot;
  }

  /** See {@linkcode Role.hasOther}. */
  hasOther(attempt: AttemptView, than?: AgentConnection): boolean {
    return this.#roles.get(attempt.lease.roleKey)?.hasOther(attempt, than) ?? false;
  }

  /** An agent has more slots, or fewer: at the turn's end it may get what is queued, and more is asked for. */
  slotsChanged(agent: AgentConnection): void {
    const role = this.#roles.get(agent.roleId.key);
    if (role === undefined) return;
    role.slotsChanged(agent);
    this.#options.turn.agent(agent);
    this.#options.turn.role(role);
  }

  /** Hands out what is queued of roles whose slots have changed. */
  handOut(roles: Iterable<Role>): void {
    for (const role of roles) {
      if (role.queued.size + role.inLine.size === 0) continue;
      role.handOut();
      if (role.open) continue;
      // Its last agents take no more work; another relay may have one that does.
      this.#pull(role);
      role.turnAway("no_agent");
    }
  }

  /**
   * Asks for as much as the agents of roles can take.
   *
   * @param overloaded Nothing is asked for: too much waits to be stored already.
   */
  ask(roles: Iterable<Role>, overloaded: boolean): void {
    const begins = this.#overloaded && !overloaded;
    this.#overloaded = overloaded;
    // Under overload every role has stopped asking, not only those that this turn is about.
    for (const role of begins ? this : roles) this.#pull(role);
  }

  /** Asks for all roles anew at the end of the turn. */
  askAgain(): void {
    for (const role of this) this.#options.turn.role(role);
  }

  /**
   * Looks again whether there is still overload, and whether work has waited long enough for another
   * agent: nothing else would. Called now and then.
   */
  keep(): void {
    for (const role of this) {
      if (this.#overloaded || role.queued.size + role.inLine.size > 0) {
        this.#options.turn.role(role);
      }
    }
  }

  /** Asks for nothing more, and releases what is queued. */
  drain(): void {
    this.#draining = true;
    for (const role of this) {
      this.#stopPulling(role, false);
      role.turnAway("draining");
    }
  }

  /** Resolves when nothing more comes of all that was closed. */
  async closed(): Promise<void> {
    // The end of a socket that was closed before is heard meanwhile, and closes a role.
    do await Promise.all(this.#closings); while (this.#closings.size > 0);
  }

  #open(id: RoleId): Role {
    const found = this.#roles.get(id.key);
    if (found !== undefined) return found;
    const { queue, onWork, onProblem, turn } = this.#options;
    const opened = queue.open(id, {
      onWork: (delivery) => {
        // What was asked for has been used up, whatever becomes of it.
        turn.role(role);
        onWork(role, delivery);
      },
      onProblem: (reason) => onProblem(role, reason),
    });
    const role = new Role(id, opened);
    this.#roles.set(id.key, role);
    return role;
  }

  #stopPulling(role: Role, unneeded: boolean): void {
    const closed = role.close(unneeded);
    this.#closings.add(closed);
    void closed.finally(() => this.#closings.delete(closed));
  }

  #pull(role: Role): void {
    if (!this.#draining) role.pull(!this.#overloaded);
  }
}

/**
 * The roles that a relay has agents for. A role's queue is open while it is among them, unless the
 * relay goes away.
 *
 * @module
 */
import type { Delivery, WorkQueue } from "@ourocodus/bus";
import type { RoleId } from "@ourocodus/protocol";
import { Role } from "./role.ts";

/** Who hears of roles. */
export interface RolesEvents {
  /** Work has come for a role. */
  readonly onWork: (role: Role, delivery: Delivery) => void;
  /** Work cannot be pulled; the role goes on trying. */
  readonly onProblem: (role: Role, reason: string) => void;
}

/** A relay's roles. */
export class Roles implements Iterable<Role> {
  readonly #queue: WorkQueue;
  readonly #events: RolesEvents;
  /** By their keys. */
  readonly #open = new Map<string, Role>();
  readonly #closings = new Set<Promise<void>>();

  constructor(queue: WorkQueue, events: RolesEvents) {
    this.#queue = queue;
    this.#events = events;
  }

  /** Each that is open. */
  [Symbol.iterator](): Iterator<Role> {
    return this.#open.values();
  }

  /** The one with a key, if it is open. */
  get(key: string): Role | undefined {
    return this.#open.get(key);
  }

  /** A session's role, which is opened unless it is open. */
  open(id: RoleId): Role {
    const found = this.#open.get(id.key);
    if (found !== undefined) return found;
    const { onWork, onProblem } = this.#events;
    const queue = this.#queue.open(id, {
      onWork: (delivery) => onWork(role, delivery),
      onProblem: (reason) => onProblem(role, reason),
    });
    const role = new Role(id, queue);
    this.#open.set(id.key, role);
    return role;
  }

  /**
   * Closes a role; it may be opened again at once.
   *
   * @param unneeded See {@linkcode RoleQueue.close}.
   */
  close(role: Role, unneeded: boolean): void {
    this.#open.delete(role.id.key);
    this.stopPulling(role, unneeded);
  }

  /** Ends a role's pulling; its agents keep what they have. @param unneeded As for `close`. */
  stopPulling(role: Role, unneeded: boolean): void {
    const closed = role.close(unneeded);
    this.#closings.add(closed);
    void closed.finally(() => this.#closings.delete(closed));
  }

  /** Resolves when nothing more comes of all that was closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closings);
  }
}

/**
 * All attempts of a relay, from their delivery until they have ended: by their work items, and by the
 * agents that may come back to them. Those that have a slot are found at their agents.
 *
 * @module
 */
import { TurnoverMap } from "@ourocodus/bus";
import type { Lease } from "@ourocodus/protocol";
import { agentKey, type AgentName } from "./agent_connection.ts";
import type { Attempt } from "./attempt.ts";

/** A relay's attempts. */
export class Attempts implements Iterable<Attempt> {
  /** The work item's identity → its attempt. */
  readonly #byWork = new TurnoverMap<string, Attempt>();
  /**
   * Role and identity → what an agent says that it has. Apart from the others while it is looked up,
   * since it may be another role's: agents may send what they like.
   */
  readonly #claimed = new Map<string, Attempt>();
  /** An agent's key → what it may come back to. */
  readonly #away = new Map<string, Set<Attempt>>();

  /** How many there are. */
  get size(): number {
    return this.#byWork.size + this.#claimed.size;
  }

  /** Each. */
  *[Symbol.iterator](): Iterator<Attempt> {
    yield* this.#byWork.values();
    yield* this.#claimed.values();
  }

  /** The attempt at a work item; for an agent's leases there is {@linkcode find}. */
  get(identity: string): Attempt | undefined {
    const known = this.#byWork.get(identity);
    return known ?? this.#claimed.values().find(({ lease }) => lease.work === identity);
  }

  /** The attempt at a lease's work item, if it is of the lease's session and role. */
  find(lease: Lease): Attempt | undefined {
    const known = this.#byWork.get(lease.work);
    if (known?.lease.roleKey === lease.roleKey) return known;
    return this.#claimed.size === 0 ? undefined : this.#claimed.get(claimOf(lease));
  }

  /** What an agent may come back to. */
  awayOf(agent: AgentName): Attempt[] {
    return [...this.#away.get(agentKey(agent)) ?? []];
  }

  /** Adds one that was delivered. */
  add(attempt: Attempt): void {
    this.#byWork.set(attempt.lease.work, attempt);
  }

  /** Adds one that an agent says it has. */
  claim(attempt: Attempt): void {
    this.#claimed.set(claimOf(attempt.lease), attempt);
  }

  /** What an agent said that it has is its role's work. */
  verified(attempt: Attempt): void {
    if (this.#claimed.delete(claimOf(attempt.lease))) this.add(attempt);
  }

  /** Removes one. */
  delete(attempt: Attempt): void {
    const { lease } = attempt;
    if (this.#byWork.delete(lease.work, attempt) || this.#claimed.size === 0) return;
    if (this.#claimed.get(claimOf(lease)) === attempt) this.#claimed.delete(claimOf(lease));
  }

  /** An agent may come back to one. */
  away(agent: AgentName, attempt: Attempt): void {
    const key = agentKey(agent);
    const away = this.#away.get(key);
    if (away === undefined) this.#away.set(key, new Set([attempt]));
    else away.add(attempt);
  }

  /** It is back, or is waited for no more. */
  notAway(agent: AgentName, attempt: Attempt): void {
    const key = agentKey(agent);
    const away = this.#away.get(key);
    if (away?.delete(attempt) && away.size === 0) this.#away.delete(key);
  }
}

function claimOf({ roleKey, work }: Lease): string {
  return `${roleKey} ${work}`;
}

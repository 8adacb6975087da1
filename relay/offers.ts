/**
 * Hands work to agents: what has come goes to the agent whose turn it is, waits for one that can
 * take it, or goes back where there is none.
 *
 * @module
 */
import type { AgentConnection } from "./agent_connection.ts";
import type { Journal } from "./journal.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Role } from "./role.ts";
import type { Roles } from "./roles.ts";
import type { Turn } from "./turn.ts";
import { type Work, workItem } from "./work.ts";
import type { Works } from "./works.ts";

/** What it works with. */
export interface OffersOptions {
  readonly roles: Roles;
  readonly works: Works;
  readonly journal: Journal;
  readonly metrics: RelayMetrics;
  readonly turn: Turn;
  /** Whether the relay goes away: nothing is handed out any more. */
  readonly draining: () => boolean;
  /** Asks for as much as a role's agents can take now. */
  readonly pull: (role: Role) => void;
}

/** Hands work to the agents of a role, in turn. */
export class Offers {
  readonly #options: OffersOptions;

  constructor(options: OffersOptions) {
    this.#options = options;
  }

  /** Work is to be handed to one of a role's agents. @param text As it came. */
  offer(role: Role, work: Work, text: string): void {
    if (!role.hasFree || this.#options.draining()) {
      // Its slot is gone meanwhile, and elsewhere there may be one.
      return this.#giveBack(role, [work]);
    }
    const agent = role.offer(work, text);
    if (agent !== undefined) this.#offered(work, agent);
  }

  /** An agent's free slots have changed: it may take what waits. */
  freed(agent: AgentConnection): void {
    const { roles, turn } = this.#options;
    const role = roles.get(agent.roleId.key);
    if (role === undefined) return;
    for (const taken of role.freed(agent)) this.#offered(taken.work, taken.agent);
    // Its last agents are going away: what waits for them is better off elsewhere.
    if (!role.open) this.#giveBack(role, role.takeWaiting());
    turn.agent(agent);
    turn.role(role);
  }

  /** Work that waits for an agent needs none any more. */
  drop(work: Work): void {
    const { roles, turn } = this.#options;
    const role = roles.get(work.lease.roleKey);
    if (role === undefined) return;
    role.drop(work);
    turn.role(role);
  }

  #offered(work: Work, agent: AgentConnection): void {
    const { metrics, journal, turn } = this.#options;
    const first = work.attempt === 1;
    if (first) {
      metrics.delivered++;
      metrics.queued.observe(work.deliveredAt - work.lease.storedAtMs);
    } else metrics.redelivered++;
    journal.work(work.session, first ? "work.offered" : "work.redelivered", workItem(work));
    turn.agent(agent);
  }

  #giveBack(role: Role, works: readonly Work[]): void {
    // What was asked for too much goes before it, or it would come again at once.
    this.#options.pull(role);
    for (const work of works) this.#options.works.giveBack(work, "no_agent");
  }
}

/**
 * Taking work away from the agent that has it, because it has an outcome: it was cancelled, or a late
 * result of an earlier attempt was stored.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { LeaseExchange } from "@ourocodus/bus";
import {
  type CancelledHolder,
  type CancelNotice,
  type CancelPayload,
  type CancelReason,
  type Lease,
  RELAY_TYPE,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Offers } from "./offers.ts";
import type { Work } from "./work.ts";
import type { Works } from "./works.ts";

/** What a {@linkcode Withdrawal} needs. */
export interface WithdrawalOptions {
  readonly relayId: string;
  readonly works: Works;
  readonly offers: Offers;
  readonly exchange: LeaseExchange;
}

const log = getLogger(["ourocodus", "relay"]);

/** Takes work from agents because it has an outcome. */
export class Withdrawal {
  readonly #options: WithdrawalOptions;

  constructor(options: WithdrawalOptions) {
    this.#options = options;
  }

  /**
   * Work is cancelled: it is taken away from the agent that has it here.
   *
   * @returns Who has or had it; `undefined` if nobody here.
   */
  cancel({ work: identity }: CancelNotice): CancelledHolder | undefined {
    const { works, relayId: relay_id } = this.#options;
    const work = works.get(identity);
    if (work === undefined || work.state === "settling") return undefined;
    const { agentId: agent_id, attempt, holder } = work;
    this.#take(work, "cancelled");
    log.info("work is cancelled", { seq: work.lease.sequence, agent_id });
    if (agent_id === undefined) return undefined;
    const away = holder === undefined;
    return { relay_id, agent_id, attempt, told: !away && holder.v1, away };
  }

  /**
   * A late result of work is stored: the agent that has it, here or at another relay, need not go on.
   *
   * @param by The agent whose result it is; it knows.
   */
  answered(lease: Lease, by: AgentConnection): void {
    const { works, exchange } = this.#options;
    const work = works.find(lease);
    if (work !== undefined) this.#take(work, "answered", by);
    else exchange.tellAnswered(lease);
  }

  /** Another relay has stored a late result of work that an agent here may have. */
  answeredElsewhere(lease: Lease): void {
    const work = this.#options.works.find(lease);
    if (work !== undefined) this.#take(work, "answered");
  }

  #take(work: Work, reason: CancelReason, by?: AgentConnection): void {
    const { works, offers } = this.#options;
    if (work.state === "settling") return;
    work.takenAway = reason;
    const agent = work.holder;
    if (agent !== undefined && !agent.v1) {
      work.state = "answered";
      return;
    }
    works.forget(work);
    if (agent === undefined) return offers.drop(work);
    if (agent !== by) {
      const lease = work.offered;
      agent.tell(RELAY_TYPE.cancel, { lease, reason } satisfies CancelPayload);
    }
    offers.freed(agent);
  }
}

/**
 * Agents that come back and say which leases they still have: after their socket broke, after their
 * relay died or went away, on the same relay or on another.
 *
 * Invariants:
 * 1. A lease is an agent's again only if it is of the agent's session and role, its work has no
 *    outcome, and no other agent has that work, on any relay.
 * 2. While that is being looked up, the lease is kept alive and takes up a slot of the agent.
 * 3. What the agent says meanwhile about such work is heard when it is known whose it is.
 * 4. Every lease that is named is answered: with `relay.resumed`, `relay.cancel` or `relay.error`.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { AcceptedOutcome, LeaseExchange, WorkQueue } from "@ourocodus/bus";
import {
  type CancelPayload,
  type CancelReason,
  describe,
  type Lease,
  MAX_LEASE_CHARACTERS,
  MAX_RESUMED_LEASES,
  parseLease,
  parseMessage,
  RELAY_TYPE,
  type RelayErrorPayload,
  type ResumePayload,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Backlog } from "./backlog.ts";
import type { Offers } from "./offers.ts";
import type { Found, OutcomeReader } from "./outcome_reader.ts";
import type { Turn } from "./turn.ts";
import { newWork, type Work } from "./work.ts";
import type { Works } from "./works.ts";

/** What a {@linkcode Resumption} needs. */
export interface ResumptionOptions {
  readonly works: Works;
  readonly outcomeReader: OutcomeReader;
  readonly queue: WorkQueue;
  readonly exchange: LeaseExchange;
  readonly backlog: Backlog;
  readonly offers: Offers;
  readonly turn: Turn;
  /** How long other relays have to object, in milliseconds; asked each time. */
  readonly objectionMs: () => number;
  /** Keeps work of an agent that is gone again, or gives it back. */
  readonly onGone: (agent: AgentConnection, works: readonly Work[]) => void;
}

const DECODER = new TextDecoder();
/** So many messages about one work item wait until it is known whose it is. */
const MAX_DEFERRED = 1_000;
const log = getLogger(["ourocodus", "relay"]);

/** Something that an agent has said, and that is to be heard later. */
interface Deferred {
  readonly characters: number;
  readonly hear: () => void;
}

/** Answers `resume`. */
export class Resumption {
  readonly #options: ResumptionOptions;
  /** Work that is being looked up → the newest connection that wants it. */
  readonly #wanted = new Map<Work, AgentConnection>();
  /** What is to be heard then. */
  readonly #deferred = new Map<Work, Deferred[]>();

  constructor(options: ResumptionOptions) {
    this.#options = options;
  }

  /**
   * Puts off what an agent says about a lease that it resumes, until it is known whether that is its
   * own.
   *
   * @param said `hear` hears it; `characters` is how long it is.
   * @returns Whether it is put off; not, if the lease is not being looked up for this agent.
   */
  defer(agent: AgentConnection, lease: Lease, said: Deferred): boolean {
    const work = this.#options.works.find(lease);
    if (work === undefined || work.offered !== lease.subject) return false;
    if (this.#wanted.get(work) !== agent) return false;
    const deferred = this.#deferred.get(work);
    if (deferred === undefined) this.#deferred.set(work, [said]);
    else if (deferred.length < MAX_DEFERRED) deferred.push(said);
    else return false;
    this.#options.backlog.add(said.characters);
    return true;
  }

  /** Takes what is to be heard about work. */
  #takeDeferred(work: Work): readonly Deferred[] {
    const deferred = this.#deferred.get(work) ?? [];
    this.#deferred.delete(work);
    for (const { characters } of deferred) this.#options.backlog.remove(characters);
    return deferred;
  }

  /**
   * An agent has named all leases that it has.
   *
   * @param leases What it sent, unchecked.
   * @returns What is wrong with that as a whole.
   */
  resume(agent: AgentConnection, leases: unknown): string | undefined {
    if (!Array.isArray(leases)) return `leases must be an array, got ${describe(leases)}`;
    const { resuming } = agent;
    if (leases.length + resuming > MAX_RESUMED_LEASES) {
      const more = resuming > 0 ? ` and ${resuming} are being looked up` : "";
      return `leases are ${leases.length}${more}, limit is ${MAX_RESUMED_LEASES}`;
    }
    this.#returnUnnamed(agent, new Set(leases));
    const resumed: string[] = [];
    const unknown: Work[] = [];
    for (const lease of leases) {
      const parsed = typeof lease === "string" ? parseLease(lease) : undefined;
      if (parsed?.roleKey !== agent.roleId.key) {
        this.#refuse(
          agent,
          typeof lease === "string" ? lease.slice(0, MAX_LEASE_CHARACTERS) : undefined,
        );
        continue;
      }
      const work = this.#take(agent, parsed);
      if (work === "resumed") resumed.push(parsed.subject);
      else if (typeof work !== "string") unknown.push(work);
      else this.#cancel(agent, parsed.subject, work);
    }
    this.#confirm(agent, resumed);
    if (unknown.length > 0) void this.#lookUp(agent, unknown);
    return undefined;
  }

  /** What an earlier connection was given and is not named, the agent has lost. */
  #returnUnnamed(agent: AgentConnection, named: ReadonlySet<unknown>): void {
    const message = "the agent came back without it";
    for (const work of agent.takeUnnamed()) {
      if (!named.has(work.offered)) {
        this.#options.works.retry(work, { code: "disconnected", message });
      }
    }
    this.#options.offers.freed(agent);
  }

  /** @returns The work if it has to be looked up, else what becomes of the lease. */
  #take(agent: AgentConnection, lease: Lease): Work | "resumed" | CancelReason {
    const { works, queue, offers } = this.#options;
    const known = works.find(lease);
    switch (known?.state) {
      case "in_hand":
        return known.holder === agent && known.offered === lease.subject ? "resumed" : "lease_lost";
      case "settling":
      case "answered":
        return "answered";
      case "held":
        return "lease_lost";
      case "resuming":
        // An earlier connection of it asked, and is gone.
        if (this.#wanted.get(known)?.agentId !== agent.agentId) return "lease_lost";
        this.#want(agent, known);
        return known;
      case "waiting":
        // Its lease had run out, but nobody has begun.
        offers.drop(known);
        known.state = "resuming";
        known.offered = lease.subject;
        known.attempt = lease.attempt;
        this.#want(agent, known);
        return known;
      case undefined: {
        queue.keepAlive(lease.subject);
        const { session, role } = agent;
        const work = newWork({ id: "", session, role, state: "resuming" }, lease);
        works.claim(work);
        this.#want(agent, work);
        return work;
      }
    }
  }

  #want(agent: AgentConnection, work: Work): void {
    const before = this.#wanted.get(work);
    if (before === agent) return;
    // What that one has said, this one says again.
    this.#takeDeferred(work);
    if (before !== undefined) before.resuming--;
    agent.resuming++;
    work.agentId = agent.agentId;
    work.v1 = true;
    this.#wanted.set(work, agent);
  }

  async #lookUp(agent: AgentConnection, asked: readonly Work[]): Promise<void> {
    const { exchange, objectionMs, outcomeReader, works } = this.#options;
    const leases = asked.map(({ lease }) => lease);
    const objections = exchange.objections(leases, agent.agentId, objectionMs);
    const looked = await Promise.all(asked.map(async (work) => {
      const found = await outcomeReader.lookUp(work);
      const lost = (await objections)?.has(work.lease.work);
      return { work, found, lost };
    }));
    const resumed: Work[] = [];
    const gone: Work[] = [];
    const deferred: Deferred[] = [];
    for (const { work, found, lost } of looked) {
      // A newer connection has asked again, and has the answer from there; or this relay was closed.
      if (this.#wanted.get(work) !== agent || found === undefined || lost === undefined) continue;
      this.#wanted.delete(work);
      agent.resuming--;
      deferred.push(...this.#takeDeferred(work));
      if (works.find(work.lease) !== work) {
        this.#cancel(agent, work.offered, work.takenAway ?? "answered");
      } else if (found.kind === "open" && !lost) resumed.push(this.#adopt(agent, work, found.data));
      else {
        works.forget(work);
        if (found.kind === "gone") gone.push(work);
        else this.#cancel(agent, work.offered, lossOf(found));
      }
    }
    if (gone.length > 0) void this.#tellGone(agent, gone);
    if (agent.closed && resumed.length > 0) this.#options.onGone(agent, resumed);
    this.#confirm(agent, resumed.map(({ offered }) => offered));
    for (const { hear } of deferred) if (!agent.closed) hear();
    this.#options.offers.freed(agent);
  }

  /** Tells what has become of work that is in its stream no more. */
  async #tellGone(agent: AgentConnection, gone: readonly Work[]): Promise<void> {
    await Promise.all(gone.map(async (work) => {
      const accepted = await this.#options.outcomeReader.accepted(work);
      this.#cancel(agent, work.offered, reasonOf(accepted));
    }));
  }

  #adopt(agent: AgentConnection, work: Work, data: Uint8Array): Work {
    const parsed = parseMessage(DECODER.decode(data));
    work.id = parsed.kind === "ok" ? parsed.message.id : parsed.id ?? `work-${work.lease.sequence}`;
    this.#options.works.verified(work);
    agent.adopt(work);
    log.debug("an agent has resumed work", { agent_id: agent.agentId, seq: work.lease.sequence });
    return work;
  }

  #confirm(agent: AgentConnection, leases: readonly string[]): void {
    if (leases.length === 0) return;
    agent.tell(RELAY_TYPE.resumed, { leases } satisfies ResumePayload);
    this.#options.turn.agent(agent);
  }

  #cancel(agent: AgentConnection, lease: string, reason: CancelReason): void {
    agent.tell(RELAY_TYPE.cancel, { lease, reason } satisfies CancelPayload);
    this.#options.turn.agent(agent);
  }

  #refuse(agent: AgentConnection, lease: string | undefined): void {
    const message = "lease is not of this agent's session and role";
    agent.tell(
      RELAY_TYPE.error,
      { code: "foreign_lease", message, lease } satisfies RelayErrorPayload,
    );
    this.#options.turn.agent(agent);
  }
}

/** Why an agent is not to go on with work that is still in its stream. */
function lossOf(found: Found & { readonly kind: "open" | "answered" }): CancelReason {
  return found.kind === "open" ? "lease_lost" : reasonOf(found.accepted);
}

function reasonOf(accepted: AcceptedOutcome | undefined): CancelReason {
  return accepted?.outcome === "cancelled" ? "cancelled" : "answered";
}

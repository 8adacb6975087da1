/**
 * Agents that come back and say which leases they still have: after their socket broke, after their
 * relay died or went away, on the same relay or on another.
 *
 * Invariants:
 * 1. While a lease is looked up, it is extended and takes a slot of the agent.
 * 2. Every lease that is named is answered: with `relay.resumed`, `relay.cancel` or `relay.error`.
 *
 * @module
 */
import {
  describe,
  type Lease,
  MAX_LEASE_CHARACTERS,
  MAX_RESUMED_LEASES,
  parseLease,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import { Attempt } from "./attempt.ts";
import type { Effects } from "./attempt_effects.ts";
import type { Resuming } from "./attempt_state.ts";
import type { Attempts } from "./attempts.ts";
import type { Peers } from "./peers.ts";

/** What a {@linkcode Resumption} works with. */
export interface ResumptionOptions {
  readonly attempts: Attempts;
  readonly effects: Effects;
  readonly peers: Peers;
}

/** An attempt that is looked up. */
interface Asked {
  readonly attempt: Attempt;
  readonly resuming: Resuming;
}

/** Answers `resume`. */
export class Resumption {
  readonly #options: ResumptionOptions;

  constructor(options: ResumptionOptions) {
    this.#options = options;
  }

  /** An agent has connected: it may have what its older connection had, or what it has left here. */
  comesBack(agent: AgentConnection, older: AgentConnection | undefined): void {
    const left = [...this.#options.attempts.awayOf(agent), ...older?.attempts() ?? []];
    for (const attempt of left) attempt.agentBack(agent);
  }

  /**
   * An agent has named all leases that it has.
   *
   * @param leases What it sent, unchecked.
   * @returns What is wrong with that as a whole.
   */
  resume(agent: AgentConnection, leases: unknown): string | undefined {
    if (!Array.isArray(leases)) return `leases must be an array, got ${describe(leases)}`;
    const attempts = agent.attempts();
    const resuming = attempts.filter(({ state }) => state === "resuming").length;
    if (leases.length + resuming > MAX_RESUMED_LEASES) {
      const more = resuming > 0 ? ` and ${resuming} are being looked up` : "";
      return `leases are ${leases.length}${more}, limit is ${MAX_RESUMED_LEASES}`;
    }
    agent.hasResumed = true;
    const named = new Set<unknown>(leases);
    for (const attempt of attempts) if (!named.has(attempt.offered)) attempt.notNamed();
    const asked = leases.flatMap((lease) => this.#resume(agent, lease) ?? []);
    if (asked.length > 0) void this.#lookUp(agent, asked);
    return undefined;
  }

  #resume(agent: AgentConnection, text: unknown): Asked | undefined {
    const lease = typeof text === "string" ? parseLease(text) : undefined;
    if (lease?.roleKey !== agent.roleId.key) {
      const shown = typeof text === "string" ? text.slice(0, MAX_LEASE_CHARACTERS) : undefined;
      agent.refuse("foreign_lease", "lease is not of this agent's session and role", shown);
      return undefined;
    }
    const attempt = this.#options.attempts.find(lease) ?? this.#claim(agent, lease);
    const resuming = attempt.resumed(agent, lease);
    return resuming && { attempt, resuming };
  }

  #claim(agent: AgentConnection, lease: Lease): Attempt {
    const { attempts, effects } = this.#options;
    const attempt = new Attempt(lease, agent, effects);
    attempts.claim(attempt);
    effects.extend(attempt);
    return attempt;
  }

  async #lookUp(agent: AgentConnection, asked: readonly Asked[]): Promise<void> {
    const { peers } = this.#options;
    const leases = () =>
      asked.flatMap(({ attempt: { state, holder, lease } }) =>
        state === "resuming" && holder === agent ? lease : []
      );
    const objections = peers.objections(leases, agent.agentId);
    // All at once, so that the agent hears of them in one message.
    const found = await Promise.all(
      asked.map(({ attempt }) => peers.checkResumed(attempt, objections)),
    );
    asked.forEach(({ attempt, resuming }, index) => {
      const one = found[index];
      if (one !== undefined) attempt.resumptionChecked(resuming, one);
    });
  }
}

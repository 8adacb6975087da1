/**
 * Suspends agents whose attempts end before they have really begun, so that others get the work: after
 * a few in a row an agent takes nothing for a while, then one work item as a probe.
 *
 * @module
 */
import type { AgentConnection } from "./agent_connection.ts";
import { AgentHealth, type AgentPause } from "./agent_health.ts";
import { agentKey } from "./agent_connection.ts";
import type { Reason } from "./dead_letter.ts";

/** What a {@linkcode Breaker} works with. */
export interface BreakerOptions {
  /** An agent is suspended after this many failures in a row; 0 is never. */
  readonly suspendAfter: number;
  /** An agent takes no work any more, or less than before. */
  readonly onSuspended: (agent: AgentConnection, pause: AgentPause) => void;
  /** It has worked again. */
  readonly onResumed: (agent: AgentConnection) => void;
  /** It takes work again, as a probe. */
  readonly onProbe: (agent: AgentConnection) => void;
}

/** The first suspension lasts so long, in milliseconds; each further one twice as long as the last. */
const FIRST_MS = 1_000;
/** The longest suspension, in milliseconds. */
const LONGEST_MS = 300_000;
/** How many agents that have gone are remembered as failing. */
const REMEMBERED = 10_000;

/** What is known of an agent. */
interface Known {
  readonly health: AgentHealth;
  /** Its newest connection. */
  agent: AgentConnection | undefined;
  timer?: ReturnType<typeof setTimeout>;
}

/** A relay's breaker. */
export class Breaker {
  readonly #options: BreakerOptions;
  /** An agent's key → what is known of it. */
  readonly #known = new Map<string, Known>();
  /** The same of those that have gone, and were not well; the one that went longest ago first. */
  readonly #gone = new Map<string, Known>();
  #closed = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** An agent has connected. @returns Its health; that of before, if it was not well. */
  joined(agent: AgentConnection): AgentHealth {
    const key = agentKey(agent);
    const known = this.#known.get(key) ?? this.#gone.get(key) ??
      { health: new AgentHealth(), agent };
    known.agent = agent;
    this.#gone.delete(key);
    this.#known.set(key, known);
    return known.health;
  }

  /** A connection of an agent is gone. */
  left(agent: AgentConnection): void {
    const key = agentKey(agent);
    const known = this.#known.get(key);
    if (known?.agent !== agent) return;
    known.agent = undefined;
    this.#known.delete(key);
    // One without a name of its own does not come back.
    if (known.health.failures === 0 || !agent.named) return clearTimeout(known.timer);
    this.#gone.set(key, known);
    const [oldest] = this.#gone;
    if (this.#gone.size <= REMEMBERED || oldest === undefined) return;
    clearTimeout(oldest[1].timer);
    this.#gone.delete(oldest[0]);
  }

  /** An attempt of an agent has ended before it had really begun. */
  failed(agent: AgentConnection, { code, message }: Reason): void {
    const { suspendAfter, onSuspended } = this.#options;
    const known = this.#known.get(agentKey(agent));
    if (known === undefined || suspendAfter === 0 || this.#closed) return;
    const { health } = known;
    health.failures++;
    const enough = health.isProbing || health.failures >= suspendAfter;
    if (!enough || health.suspended !== undefined) return;
    const pauseMs = Math.min(FIRST_MS * 2 ** Math.min(health.suspensions++, 20), LONGEST_MS);
    const last = message === "" ? code : `${code}, ${message}`;
    health.isProbing = false;
    health.suspended = {
      reason: "failing",
      message: `${health.failures} attempts in a row ended at once; the last one: ${last}`,
      until: Date.now() + pauseMs,
    };
    known.timer = setTimeout(() => this.#probe(known), pauseMs);
    onSuspended(agent, health.suspended);
  }

  /** An agent has really worked. */
  worked(agent: AgentConnection): void {
    const { health } = agent;
    if (health.hasWorked && health.failures === 0) return;
    health.hasWorked = true;
    health.failures = 0;
    if (health.suspensions === 0) return;
    health.suspensions = 0;
    health.isProbing = false;
    health.suspended = undefined;
    clearTimeout(this.#known.get(agentKey(agent))?.timer);
    this.#options.onResumed(agent);
  }

  /** Ends all timers. */
  close(): void {
    this.#closed = true;
    for (const known of [this.#known, this.#gone]) {
      for (const { timer } of known.values()) clearTimeout(timer);
    }
  }

  #probe({ health, agent }: Known): void {
    health.suspended = undefined;
    health.isProbing = true;
    if (agent !== undefined) this.#options.onProbe(agent);
  }
}

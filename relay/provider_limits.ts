/**
 * Limits of providers, such as the tokens of an account in an hour: one agent that runs into a limit
 * says so, and all agents with the same key, at all relays, take no work until the time that it names.
 *
 * Relays tell each other on the subject `relays.limits`; one that has just started asks there.
 *
 * @module
 */
import type { Connection } from "@ourocodus/bus";
import type { Msg, Subscription } from "@nats-io/nats-core";
import {
  isLimitKey,
  MAX_RETRY_DELAY_MS,
  parseObject,
  RELAYS_LIMITS_SUBJECT,
} from "@ourocodus/protocol";
import { type AgentConnection, agentKey } from "./agent_connection.ts";
import type { AgentPause } from "./agent_health.ts";

/** What {@linkcode ProviderLimits} work with. */
export interface ProviderLimitsOptions {
  readonly relayId: string;
  readonly connection: Connection;
  readonly agents: Iterable<AgentConnection>;
  /** An agent takes no work any more. */
  readonly onPaused: (agent: AgentConnection, pause: AgentPause) => void;
  /** It takes work again. */
  readonly onResumed: (agent: AgentConnection) => void;
}

/** How many keys are remembered. */
const REMEMBERED = 10_000;
/** The longest that a timer may take, in milliseconds. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;
/** A limit that is said again, and ends no later than this after the known one, is the same, in milliseconds. */
const SAME_MS = 1_000;
/** Of what is told about a limit as much is kept, in characters. */
const MAX_MESSAGE_CHARACTERS = 500;

/** A limit that is reached. */
interface Limit {
  readonly pause: AgentPause;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** The limits that a relay knows of. */
export class ProviderLimits {
  readonly #options: ProviderLimitsOptions;
  readonly #limits = new Map<string, Limit>();
  /** The keys of agents that have run into limits, for when they come back without saying theirs. */
  readonly #keys = new Map<string, string>();
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  #closed = false;

  constructor(options: ProviderLimitsOptions) {
    this.#options = options;
    const { connection, relayId } = options;
    this.#subscription = connection.subscribe(RELAYS_LIMITS_SUBJECT, (error, message) => {
      if (!error) this.#told(message);
    });
    const ask = () => this.#publish({ kind: "list", relay_id: relayId });
    this.#unlisten = connection.listen({
      // What was said meanwhile was not heard, here and elsewhere.
      onRestored: () => {
        ask();
        this.#sayAll();
      },
    });
    ask();
  }

  /** An agent has connected. */
  joined(agent: AgentConnection): void {
    const key = agent.limitKey ?? this.#keys.get(agentKey(agent));
    const limit = key === undefined ? undefined : this.#limits.get(key);
    agent.health.limited = limit?.pause;
    if (limit !== undefined) agent.limitKey = key;
  }

  /**
   * An agent has run into the limit of its key.
   *
   * @param until In milliseconds since 1970.
   * @param message For people.
   */
  reached(agent: AgentConnection, until: number, message: string): void {
    // Without one, it is the only one with this limit. A key that agents name has no space.
    const key = agent.limitKey ??= `agent ${agentKey(agent)}`;
    this.#keys.set(agentKey(agent), key);
    if (this.#reached(key, until, message) && isLimitKey(key)) {
      this.#publish(this.#saying(key, { reason: "limited", until, message }));
    }
    this.#pause(agent, this.#limits.get(key)?.pause);
  }

  /** Hears nothing more, and ends all timers. */
  close(): void {
    this.#closed = true;
    this.#unlisten();
    this.#subscription.unsubscribe();
    for (const { timer } of this.#limits.values()) clearTimeout(timer);
  }

  /** @returns Whether that was not known. */
  #reached(key: string, until: number, message: string): boolean {
    const known = this.#limits.get(key);
    const isNew = known === undefined || until >= known.pause.until + SAME_MS;
    if (!isNew || until <= Date.now() || this.#closed) return false;
    clearTimeout(known?.timer);
    const pause: AgentPause = { reason: "limited", until, message };
    this.#limits.delete(key);
    this.#limits.set(key, { pause, timer: this.#timer(key, pause) });
    const [oldest] = this.#limits.keys();
    if (this.#limits.size > REMEMBERED && oldest !== undefined) this.#over(oldest);
    for (const agent of this.#options.agents) {
      if (agent.limitKey === key) this.#pause(agent, pause);
    }
    return true;
  }

  #pause(agent: AgentConnection, pause: AgentPause | undefined): void {
    const before = agent.health.limited;
    agent.health.limited = pause;
    if (before === undefined && pause !== undefined) this.#options.onPaused(agent, pause);
  }

  #timer(key: string, pause: AgentPause): ReturnType<typeof setTimeout> {
    const leftMs = pause.until - Date.now();
    return setTimeout(() => {
      if (leftMs <= LONGEST_TIMER_MS) this.#over(key);
      else this.#limits.set(key, { pause, timer: this.#timer(key, pause) });
    }, Math.min(leftMs, LONGEST_TIMER_MS));
  }

  #over(key: string): void {
    clearTimeout(this.#limits.get(key)?.timer);
    this.#limits.delete(key);
    for (const [agent, itsKey] of this.#keys) if (itsKey === key) this.#keys.delete(agent);
    for (const agent of this.#options.agents) {
      if (agent.limitKey !== key || agent.health.limited === undefined) continue;
      agent.health.limited = undefined;
      this.#options.onResumed(agent);
    }
  }

  /** Anybody may publish there: what is no limit is passed over, and none lasts longer than a retry may. */
  #told(told: Msg): void {
    const { kind, relay_id, limit_key, until, message } = parseObject(told.string()) ?? {};
    if (typeof relay_id !== "string" || relay_id === this.#options.relayId) return;
    if (kind === "list") {
      this.#sayAll();
    }
    const time = typeof until === "string" ? Date.parse(until) : NaN;
    if (kind !== "reached" || !isLimitKey(limit_key) || Number.isNaN(time)) return;
    const latest = Date.now() + MAX_RETRY_DELAY_MS;
    const text = typeof message === "string" ? message.slice(0, MAX_MESSAGE_CHARACTERS) : "";
    this.#reached(limit_key, Math.min(time, latest), text);
  }

  #sayAll(): void {
    for (const [key, { pause }] of this.#limits) {
      if (isLimitKey(key)) this.#publish(this.#saying(key, pause));
    }
  }

  #saying(limit_key: string, { until, message }: AgentPause): object {
    const { relayId: relay_id } = this.#options;
    return {
      kind: "reached",
      ...{ relay_id, limit_key, until: new Date(until).toISOString(), message },
    };
  }

  #publish(body: object): void {
    const { connection } = this.#options;
    if (connection.connected) connection.nats.publish(RELAYS_LIMITS_SUBJECT, JSON.stringify(body));
  }
}

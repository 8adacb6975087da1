/**
 * Whether an agent takes work: not while it is suspended, as its attempts end before they have begun,
 * nor while its provider's limit is reached. It outlives the agent's connections.
 *
 * @module
 */

/** Why an agent takes no work, and until when. */
export interface AgentPause {
  /** `failing`: its attempts end at once; `limited`: its provider lets it do nothing. */
  readonly reason: "failing" | "limited";
  /** For people. */
  readonly message: string;
  /** In milliseconds since 1970. */
  readonly until: number;
}

/** How an agent is. Only {@linkcode Breaker} and {@linkcode ProviderLimits} change it. */
export class AgentHealth {
  /** How many attempts in a row have ended before they had begun. */
  failures = 0;
  /** How often it was suspended since it last worked. */
  suspensions = 0;
  /** Whether an attempt has ended as it should. */
  hasWorked = false;
  /** It takes one work item at a time, until one shows that it works. */
  isProbing = false;
  suspended: AgentPause | undefined;
  limited: AgentPause | undefined;

  /** Why it takes no work. */
  get pause(): AgentPause | undefined {
    return this.suspended ?? this.limited;
  }

  /** Whether its word that work has failed is to be doubted: it may be the agent that fails. */
  get isSuspect(): boolean {
    return !this.hasWorked || this.failures > 0;
  }
}

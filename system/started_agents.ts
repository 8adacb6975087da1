import type { AgentName } from "./agents_wanted.ts";

/** Agents that were started, in whatever they run, and that may not be connected yet. */
export interface StartedAgents {
  readonly agents: readonly AgentName[];
  /** Where they look for a relay. */
  readonly relayUrl: string;
  /** @throws {SystemError} If one of them has ended; with the end of its log. */
  check(): Promise<void>;
  /** They are connected: from now on they are started again when they crash. */
  ready(): Promise<void>;
  /** Stops them at once, and forgets them. */
  undo(): Promise<void>;
  /** The end of the log of the first. */
  logEnd(): Promise<readonly string[]>;
}

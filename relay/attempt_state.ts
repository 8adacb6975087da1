/**
 * The states of an attempt; attempt.ts has what they mean, and is alone in changing them.
 *
 * @module
 */
import type { Holder, RoleSlots } from "./attempt_effects.ts";

/** Something that an agent has said about an attempt, put off until it is known who has it. */
export interface Said {
  readonly characters: number;
  readonly hear: () => void;
}

/** An agent says that it has it, and that is looked up. */
export interface Resuming {
  readonly kind: "resuming";
  readonly agent: Holder;
  readonly said: Said[];
}

/**
 * An agent has it. Every attempt is in this state and in {@linkcode Settling}, so they are classes: of
 * object literals V8 would take many for old, see ARCHITECTURE.md, "What the collector was made to copy".
 */
export class Running {
  readonly kind = "running";
  readonly agent: Holder;
  /**
   * Whether the agent is known to have it. After a broken socket, a v1 agent names what it has; a plain
   * one is sent again what may not have arrived.
   */
  named: boolean;

  constructor(agent: Holder, named: boolean) {
    this.agent = agent;
    this.named = named;
  }
}

/** Its outcome is being stored. */
export class Settling {
  readonly kind = "settling";
  /** Whose outcome it is; none if the work item has died. */
  readonly agent: Holder | undefined;

  constructor(agent?: Holder) {
    this.agent = agent;
  }
}

/** One of them, with what it holds. */
export type AttemptState =
  | { readonly kind: "new" | "ended" }
  | { readonly kind: "checking"; readonly role: RoleSlots }
  | Resuming
  | { readonly kind: "queued"; readonly role: RoleSlots; readonly text: string }
  | {
    readonly kind: "in_line";
    readonly role: RoleSlots;
    readonly text: string;
    readonly leave: () => void;
  }
  | Running
  | {
    readonly kind: "away";
    /** Whether its message may not have reached its agent. */
    readonly mayBeLost: boolean;
    readonly endGrace: () => void;
  }
  | Settling
  | { readonly kind: "superseded"; readonly agent: Holder };

export const NEW: AttemptState = { kind: "new" };
export const ENDED: AttemptState = { kind: "ended" };

/** The agent whose slot a state takes. */
export function holderIn(state: AttemptState): Holder | undefined {
  switch (state.kind) {
    case "resuming":
    case "running":
    case "superseded":
      return state.agent;
    default:
      return undefined;
  }
}

/** Handles what an agent has said meanwhile. */
export function hearSaid({ agent, said }: Resuming): void {
  for (const { hear } of said) if (!agent.closed) hear();
}

/**
 * What relays are told of a cancellation, and what the one answers whose agent had the work.
 *
 * @module
 */
import { parseObject } from "./message.ts";

/** What relays are told, on `relays.work.cancel`. */
export interface CancelNotice {
  /** The work's identity, see `Lease.work`. */
  readonly work: string;
  /** Its outcome is stored. The version before also told, with `begin`, that it was about to be. */
  readonly phase: "done";
}

/** Who had the work. */
export interface CancelledHolder {
  readonly relay_id: string;
  readonly agent_id: string;
  readonly attempt: number;
  /**
   * Whether the agent was told to stop. One that speaks the plain protocol cannot be told: it works
   * on, and its result is refused.
   */
  readonly told: boolean;
  /** Whether it has lost its socket; one that speaks `ourocodus.v1` is told when it comes back. */
  readonly away: boolean;
}

/** The notice as a relay receives it; `undefined` if it is none. */
export function parseCancelNotice(text: string): CancelNotice | undefined {
  const { work, phase } = parseObject(text) ?? {};
  if (typeof work !== "string" || phase !== "done") return undefined;
  return { work, phase };
}

/** What a relay answers that has the work; `undefined` if it is no such answer. */
export function parseHolder(text: string): CancelledHolder | undefined {
  const value = parseObject(text);
  if (value === undefined) return undefined;
  const { relay_id, agent_id, attempt, told, away } = value;
  const whole = typeof relay_id === "string" && typeof agent_id === "string" &&
    typeof attempt === "number" && typeof told === "boolean" && typeof away === "boolean";
  return whole ? { relay_id, agent_id, attempt, told, away } : undefined;
}

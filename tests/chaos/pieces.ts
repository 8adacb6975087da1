/**
 * The work that is sent meanwhile, made from the seed: most of it quick, some slow, some that is
 * released for one reason or another, takes too long, says nothing, fails, is cancelled, or kills the agent that begins it, and ids that come twice.
 *
 * @module
 */
import type { Work } from "@ourocodus/ops";
import type { Task } from "../support/agent_program.ts";
import { Random } from "./random.ts";

/** The sessions. */
export const SESSIONS = ["one", "two", "three"] as const;
/** The role in each of them. */
export const ROLE = "worker";

const WEIGHTS = {
  quick: 700,
  slow: 150,
  retried: 40,
  limited: 15,
  notAccepted: 15,
  snoozed: 15,
  overdue: 15,
  silent: 15,
  failing: 40,
  poison: 2,
  sentAgain: 30,
  sameId: 30,
  cancelled: 30,
} as const;

/** A work item, and when somebody cancels it. */
export type Piece = Work & {
  /** How long after it was acknowledged, in milliseconds; undefined if nobody does. */
  readonly cancelAfterMs?: number;
};

/** Makes one work item after another, forever. */
export function* pieces(seed: number): Generator<Piece> {
  const random = new Random(seed ^ 0x5eed);
  let last: Piece | undefined;
  for (let n = 1;; n++) {
    const kind = random.weighted(WEIGHTS);
    const session = random.pick(SESSIONS);
    const quickMs = random.whole(0, 50);
    const slowMs = random.whole(500, 4_000);
    const cancelAfterMs = random.whole(0, 1_000);
    if (kind === "sentAgain" && last !== undefined) {
      yield last;
      continue;
    }
    const id = kind === "sameId" && last?.session === session ? last.id : `w${n}`;
    const payload: Task = { work_ms: quickMs, ...special(kind, slowMs) };
    // Each is a work item of its own, whatever its id.
    const piece = { session, role: ROLE, id, payload, messageId: `chaos-${n}` };
    last = kind === "cancelled" ? { ...piece, cancelAfterMs } : piece;
    yield last;
  }
}

function special(kind: keyof typeof WEIGHTS, slowMs: number): Task {
  switch (kind) {
    case "slow":
    case "cancelled":
      return { work_ms: slowMs };
    case "retried":
      return { ends: "retry" };
    case "limited":
    case "snoozed":
      return { ends: kind };
    case "notAccepted":
      return { ends: "not_accepted" };
    case "overdue":
      return { work_ms: slowMs, deadline_ms: 1_000 };
    case "silent":
      return { work_ms: slowMs, no_progress_ms: 1_500 };
    case "failing":
      return { ends: "fail" };
    case "poison":
      return { ends: "die" };
    default:
      return {};
  }
}

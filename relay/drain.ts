/**
 * The end of a relay: no more work is taken, what agents have in hand may finish, the rest is given
 * back, and every agent is closed.
 *
 * @module
 */
import { CLOSE, type DrainPayload, pause, RELAY_TYPE } from "@ourocodus/protocol";
import type { Agents } from "./agents.ts";
import type { Journal } from "./journal.ts";
import type { LeftWork } from "./left_work.ts";
import type { Roles } from "./roles.ts";
import type { Turn } from "./turn.ts";
import { monotonicMs } from "./work.ts";
import type { Works } from "./works.ts";

/** What is brought to its end. */
export interface DrainParts {
  readonly works: Works;
  readonly leftWork: LeftWork;
  readonly roles: Roles;
  readonly agents: Agents;
  readonly turn: Turn;
  readonly journal: Journal;
}

/** How long that may take. */
export interface DrainOptions {
  /** How long to wait for work in hand, in milliseconds. */
  readonly graceMs: number;
  /** Aborts the waiting. */
  readonly signal?: AbortSignal;
}

/** How long to wait for agents to answer the closing of their sockets, in milliseconds. */
const CLOSE_MS = 1_000;

/** Brings a relay to its end; it must not take agents or offer work any more. */
export async function drain(
  { works, leftWork, roles, agents, turn, journal }: DrainParts,
  { graceMs, signal }: DrainOptions,
): Promise<void> {
  for (const work of works.takeAllHeld()) leftWork.drained(work);
  for (const role of roles) {
    roles.stopPulling(role, false);
    for (const work of role.takeWaiting()) works.giveBack(work, "draining");
  }
  for (const agent of agents) {
    agent.tell(RELAY_TYPE.drain, { seconds: graceMs / 1_000 } satisfies DrainPayload);
    turn.agent(agent);
  }
  const deadline = monotonicMs() + graceMs;
  const busy = () => agents.size > 0 || works.size > 0;
  while (busy() && monotonicMs() < deadline && !signal?.aborted) await pause(20);
  for (const agent of agents) {
    for (const work of [...agent.works()]) {
      if (work.state === "in_hand") leftWork.drained(work);
    }
    agent.close(CLOSE.draining);
  }
  journal.flush();
  turn.end();
  const gone = monotonicMs() + CLOSE_MS;
  while (agents.size > 0 && monotonicMs() < gone) await pause(5);
}

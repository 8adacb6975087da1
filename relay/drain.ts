/**
 * The end of a relay: no more work is taken, what agents have may finish, the rest is
 * released, and every agent is closed.
 *
 * @module
 */
import { CLOSE, type DrainPayload, pause, RELAY_TYPE } from "@ourocodus/protocol";
import type { Agents } from "./agents.ts";
import type { Attempts } from "./attempts.ts";
import type { Journal } from "./journal.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Turn } from "./turn.ts";

/** What is brought to its end. */
export interface DrainParts {
  readonly attempts: Attempts;
  readonly scheduler: Scheduler;
  readonly agents: Agents;
  readonly turn: Turn;
  readonly journal: Journal;
}

/** How long that may take. */
export interface DrainOptions {
  /** How long to wait for what agents have, in milliseconds. */
  readonly graceMs: number;
  /** Aborts the waiting. */
  readonly signal?: AbortSignal;
}

/** How long to wait for agents to answer the closing of their sockets, in milliseconds. */
const CLOSE_MS = 1_000;

/** Brings a relay to its end. */
export async function drain(
  { attempts, scheduler, agents, turn, journal }: DrainParts,
  { graceMs, signal }: DrainOptions,
): Promise<void> {
  scheduler.drain();
  for (const attempt of [...attempts]) if (attempt.state === "away") attempt.relayDrains();
  for (const agent of agents) {
    agent.tell(RELAY_TYPE.drain, { seconds: graceMs / 1_000 } satisfies DrainPayload);
  }
  const deadline = performance.now() + graceMs;
  const busy = () => agents.size > 0 || attempts.size > 0;
  while (busy() && performance.now() < deadline && !signal?.aborted) await pause(20);
  for (const agent of agents) {
    for (const attempt of agent.attempts()) attempt.relayDrains();
    agent.close(CLOSE.draining);
  }
  journal.flush();
  turn.end();
  const gone = performance.now() + CLOSE_MS;
  while (agents.size > 0 && performance.now() < gone) await pause(5);
}

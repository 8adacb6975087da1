/**
 * What is broken when: made from the seed alone, so that the same seed breaks the same things at
 * the same times. A longer run begins like a shorter one.
 *
 * @module
 */
import { Random } from "./random.ts";

/** How many there are of what can be broken. */
export interface Targets {
  readonly servers: number;
  readonly relays: number;
  readonly agents: number;
  /** The numbers of those agents that speak plain. */
  readonly plainAgents: readonly number[];
}

/** A kind of fault, and how likely it is compared with the others. */
const WEIGHTS = {
  "relay kill -9": 3,
  "relay SIGTERM": 3,
  "relay SIGSTOP": 2,
  "relay cut off from NATS": 2,
  "relay's network to NATS silent": 1,
  "relay cut off from its agents": 3,
  "nats-server restart": 1,
  "nats-server kill -9": 1,
  "agent kill -9": 5,
  "agent SIGTERM": 2,
  "agent SIGSTOP": 3,
  "agent's id taken by another": 2,
} as const;

/** A kind of fault. */
export type FaultKind = keyof typeof WEIGHTS;

/** One fault. */
export interface Step {
  /** When, from the beginning, in milliseconds. */
  readonly atMs: number;
  readonly kind: FaultKind;
  /** Which relay, agent or nats-server, from 0. */
  readonly target: number;
  /** Until what was broken is whole again, in milliseconds. */
  readonly lastsMs: number;
}

/** Milliseconds between two faults: at least and at most. */
const PAUSE_MS = [200, 1_500] as const;
/** How long a fault lasts: at least and at most. */
const LASTS_MS = [200, 6_000] as const;
/** Undisturbed beginning, in milliseconds. */
const FIRST_MS = 1_000;

/**
 * Makes the schedule.
 *
 * @param seed A whole number from 0 to 2³² - 1.
 * @param durationMs Faults begin before this, and are over by then.
 */
export function makeSchedule(seed: number, durationMs: number, targets: Targets): Step[] {
  const random = new Random(seed);
  const steps: Step[] = [];
  const wholeAt = new Map<string, number>();
  for (let atMs = FIRST_MS; atMs < durationMs; atMs += random.whole(...PAUSE_MS)) {
    // All is drawn in any case: what is left out must not move what follows.
    const kind = random.weighted(WEIGHTS);
    const relay = random.whole(0, targets.relays - 1);
    const agent = random.whole(0, targets.agents - 1);
    const lastsMs = random.whole(...LASTS_MS);
    const server = targets.servers > 1 ? random.whole(0, targets.servers - 1) : 0;
    const place = placeOf(kind);
    const target = { relay, agent, nats: server }[place];
    // A plain agent that is replaced is not told what its namesake ran.
    if (kind === "agent's id taken by another" && targets.plainAgents.includes(target)) continue;
    const key = `${place} ${target}`;
    if ((wholeAt.get(key) ?? 0) > atMs) continue;
    wholeAt.set(key, atMs + lastsMs);
    if (atMs + lastsMs > durationMs) continue;
    steps.push({ atMs, kind, target, lastsMs });
  }
  return steps;
}

/** What a kind of fault strikes. */
export function placeOf(kind: FaultKind): "relay" | "agent" | "nats" {
  if (kind.startsWith("relay")) return "relay";
  return kind.startsWith("agent") ? "agent" : "nats";
}

/** A step as one line: `12.3 s  relay 2 kill -9, whole again after 1.4 s`. */
export function formatStep({ atMs, kind, target, lastsMs }: Step): string {
  const name = placeOf(kind) === "nats" ? "nats-server" : placeOf(kind);
  const what = kind.replace(name, `${name} ${target + 1}`);
  return `${seconds(atMs).padStart(8)}  ${what}, whole again after ${seconds(lastsMs)}`;
}

/** A time like `1.4 s`. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/**
 * What load is put on a system, as all of its processes are told, and how its work is named.
 *
 * @module
 */

/** What answers the work. */
export type Contender =
  /** Agents that are NATS clients themselves; nothing is stored: the limit. */
  | "direct"
  /** Workers that are JetStream clients: work and results are stored, no relay: the durable limit. */
  | "durable"
  /** A relay that moves work and results and does nothing else: what ours costs at the least. */
  | "bare"
  /** The relay, with agents that speak `ourocodus.v1`. */
  | "v1"
  /** The relay, with agents that speak the plain protocol. */
  | "plain";

/** A load. */
export interface Load {
  /** Round trips: from publishing a work item to receiving its result. */
  readonly trips: number;
  /** Agents that are given work, each with a role of its own. */
  readonly agents: number;
  /** Trips under way at once, at the most; without meaning where there is a rate. */
  readonly window: number;
  /** Characters of text in each payload. */
  readonly size: number;
  /** Trips begun a second, come what may; 0: as fast as they go, `window` at a time. */
  readonly rate: number;
  readonly relays: number;
  /** Further agents, connected and never given work, each with a role of its own. */
  readonly idle: number;
  /** The agents are spread over so many sessions. */
  readonly sessions: number;
  /** As much work an agent takes at once. */
  readonly concurrency: number;
}

/** What each process of the load is told. */
export interface Plan {
  readonly contender: Contender;
  readonly load: Load;
  readonly natsUrl: string;
  /** `ws://127.0.0.1:8080`; agents spread over them. */
  readonly relayUrls: readonly string[];
}

/** Which session an agent is of. */
export function sessionOf(load: Load, agent: number): string {
  return `bench${agent % load.sessions}`;
}

/** An agent's role. */
export function roleOf(agent: number): string {
  return `r${agent}`;
}

/** The text of a work item, of which `id` is the number of its trip. */
export class WorkText {
  readonly #rest: readonly string[];

  constructor(load: Load) {
    const message = "x".repeat(load.size);
    this.#rest = Array.from({ length: load.agents }, (_, agent) => {
      const payload = { session_id: sessionOf(load, agent), role: roleOf(agent), message };
      return `","type":"work","payload":${JSON.stringify(payload)}}`;
    });
  }

  /** The work of a trip. */
  of(trip: number): string {
    return `{"id":"m${trip}${this.#rest[trip % this.#rest.length]}`;
  }
}

const FIRST_DIGIT = '{"id":"m'.length;
const ZERO = 48;

/** The number of the trip that a result is of; `-1` if it is none. */
export function tripOf(result: Uint8Array): number {
  let trip = -1;
  for (let at = FIRST_DIGIT; at < result.length; at++) {
    const digit = (result[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) break;
    trip = Math.max(trip, 0) * 10 + digit;
  }
  return trip;
}

/** The result of a work item: the same, but for its type. Cheap, so that agents cost little. */
export function resultOf(work: string): string {
  return work.replace('"type":"work"', '"type":"result"');
}

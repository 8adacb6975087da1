/**
 * Throughput and latency of all work, and of each session's.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { Stats } from "./stats.ts";

/** How many sessions are remembered; those without news for longest are forgotten. */
const MAX_SESSIONS = 200;

/** Counts and times finished work, in all and for each session. */
export class SessionStats {
  /** Of all sessions. */
  readonly all: Stats = new Stats();
  readonly #sessions = new Map<string, Stats>();

  /** Counts a record. */
  record(record: LogRecord): void {
    this.all.record(record);
    const { session } = record;
    const stats = this.#sessions.get(session) ?? new Stats();
    stats.record(record);
    // The order of a map is that of its insertions.
    this.#sessions.delete(session);
    this.#sessions.set(session, stats);
    if (this.#sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      break;
    }
  }

  /** Of one session; of one without work, nothing but zeros. */
  of(session: string): Stats {
    return this.#sessions.get(session) ?? new Stats();
  }
}

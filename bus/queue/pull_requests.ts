/**
 * What a role has asked its consumer for, and whether the consumer is still known to have heard it.
 *
 * Requests of one second are one number: they end one by one, but lapse together.
 *
 * @module
 */

/** How long a pull request lives. */
export interface PullTimes {
  /** How long one waits, in milliseconds. */
  readonly pullExpiresMs: number;
  /** How often the server says that one waits, in milliseconds; at most half of that. */
  readonly heartbeatMs: number;
}

const BUCKET_MS = 1_000;
/** How long after a request's end its status may take to arrive. */
const STATUS_GRACE_MS = 3_000;
/** A consumer that misses this many heartbeats in a row counts as silent (NATS' ADR-37). */
const MISSED_HEARTBEATS = 2;

/** Counts what was asked for. Moments are milliseconds by `performance.now`. */
export class PullRequests {
  readonly #times: PullTimes;
  #outstanding = 0;
  /** Second in which requests were sent → what they asked for, in order. */
  readonly #asked = new Map<number, number>();
  #askedAt = 0;
  #heard = false;
  #heardAt = 0;

  constructor(times: PullTimes) {
    this.#times = times;
  }

  /** How many messages may still come without another request. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** This many messages are asked for now. @returns The second, from 1, to name it by. */
  asked(batch: number, now: number): number {
    const second = secondOf(now);
    this.#outstanding += batch;
    this.#asked.set(second, (this.#asked.get(second) ?? 0) + batch);
    this.#askedAt = now;
    return second;
  }

  /** Something has come from the consumer. */
  heard(): void {
    this.#heard = true;
  }

  /** One of the messages has come. */
  delivered(): void {
    if (this.#outstanding > 0) this.#outstanding--;
  }

  /** A request of this second has ended. @param undelivered How many of its messages do not come. */
  ended(second: number, undelivered: number): void {
    this.#outstanding = Math.max(0, this.#outstanding - undelivered);
    this.#asked.set(second, Math.max(0, (this.#asked.get(second) ?? 0) - undelivered));
  }

  /**
   * To be called about once a second.
   *
   * @returns Whether the consumer is silent: it has said nothing for too long, or requests should have
   * ended with a status and none came.
   */
  sweep(now: number): boolean {
    const { pullExpiresMs, heartbeatMs } = this.#times;
    const expired = secondOf(now - pullExpiresMs - STATUS_GRACE_MS);
    for (const second of this.#asked.keys()) {
      if (second >= expired) break;
      this.#asked.delete(second);
    }
    let alive = 0;
    for (const count of this.#asked.values()) alive += count;
    const lapsed = this.#outstanding > alive;
    if (lapsed) this.#outstanding = alive;
    if (this.#heard || this.#outstanding === 0) this.#heardAt = now;
    this.#heard = false;
    const since = Math.max(this.#heardAt, this.#askedAt);
    return lapsed || now - since > MISSED_HEARTBEATS * heartbeatMs;
  }

  /** Nothing of what was asked for comes any more. */
  forget(): void {
    this.#outstanding = 0;
    this.#asked.clear();
  }
}

/** The second in which a moment lies, from 1 for those after the program's start. */
function secondOf(now: number): number {
  return Math.floor(now / BUCKET_MS) + 1;
}

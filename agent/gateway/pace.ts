import { type Clock, passed } from "../clock.ts";

/** Statuses with which providers say that a key has asked too much, or that they are overloaded. */
const PACING_STATUSES: readonly number[] = [429, 529];
/** A pause is no longer than a day: what is longer is a mistake, or a limit that work is retried for. */
const MAX_PAUSE_MS = 86_400_000;

/**
 * When a provider asks one request of a key to wait, all wait: they would only be refused, too. A
 * request waits within the gateway up to a limit; beyond that the agent is told how long it takes.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #maxWaitMs: number;
  #untilMs = -Infinity;

  /** @param maxWaitMs How long a request may wait, all pauses together. */
  constructor(clock: Clock, maxWaitMs: number) {
    this.#clock = clock;
    this.#maxWaitMs = maxWaitMs;
  }

  /** How long the pause still takes, in milliseconds; 0 without one. */
  get leftMs(): number {
    return Math.max(0, this.#untilMs - this.#clock.now());
  }

  /** By when a request that comes now must be sent, by the clock. */
  deadline(): number {
    return this.#clock.now() + this.#maxWaitMs;
  }

  /** Takes an answer. @returns Whether the provider asks to wait. */
  heard({ status, headers }: Response): boolean {
    if (!PACING_STATUSES.includes(status)) return false;
    const delayMs = retryAfterMs(headers, Date.now());
    if (delayMs === undefined) return false;
    const untilMs = this.#clock.now() + Math.min(delayMs, MAX_PAUSE_MS);
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    return true;
  }

  /** Whether the pause ends before the deadline. */
  canPass(deadlineMs: number): boolean {
    return this.#untilMs <= deadlineMs;
  }

  /**
   * Waits until there is no pause.
   *
   * @returns False, at once, if it would take longer than until the deadline.
   * @throws The signal's reason.
   */
  async pass(deadlineMs: number, signal: AbortSignal): Promise<boolean> {
    for (;;) {
      signal.throwIfAborted();
      if (this.leftMs === 0) return true;
      if (!this.canPass(deadlineMs)) return false;
      // A timer may come a little early.
      await passed(this.#clock, Math.ceil(this.leftMs), signal);
    }
  }
}

/** How long headers ask to wait: `retry-after-ms`, or seconds or a date in `Retry-After`. */
export function retryAfterMs(headers: Headers, wallMs: number): number | undefined {
  const ms = headers.get("retry-after-ms") ?? "";
  if (/^\d{1,12}(\.\d+)?$/.test(ms)) return Number(ms);
  const after = headers.get("retry-after") ?? "";
  if (/^\d{1,9}(\.\d+)?$/.test(after)) return Number(after) * 1_000;
  const date = /GMT$/.test(after) ? Date.parse(after) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, date - wallMs);
}

/**
 * Watches what a work item uses, and ends its attempt when a limit is over.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Spent } from "./place.ts";
import {
  addUsage,
  type ExceededLimit,
  type Limits,
  type TurnRecord,
  type WorkUsage,
} from "./turn/mod.ts";

/** What {@linkcode LimitWatch} needs. */
export interface LimitWatchOptions {
  readonly limits: Limits;
  /** What earlier attempts have used. */
  readonly before: Spent;
  /** What this one has used. */
  readonly said: Pick<TurnRecord, "usage" | "toolCalls">;
  /** Whether it goes on with the conversation of an earlier attempt. */
  readonly isResumed: () => boolean;
  readonly clock: Clock;
  /** Aborted when nobody wants the result any more. */
  readonly signal: AbortSignal;
}

/** Looks at a work item's limits, from its construction on. */
export class LimitWatch {
  /** Aborted when a limit is over, and when nobody wants the result any more. */
  readonly signal: AbortSignal;
  readonly #options: LimitWatchOptions;
  readonly #begunMs: number;
  readonly #over = new AbortController();
  #exceeded: ExceededLimit | undefined;
  #callOff = () => {};

  constructor(options: LimitWatchOptions) {
    this.#options = options;
    this.#begunMs = options.clock.now();
    this.signal = AbortSignal.any([options.signal, this.#over.signal]);
  }

  /** The limit that is over, if one is. */
  get exceeded(): ExceededLimit | undefined {
    return this.#exceeded;
  }

  /** What the work item has used, earlier attempts included. */
  get spent(): Spent {
    return { ms: this.#durationMs, turns: this.#turns, usage: this.#usage };
  }

  /** Looks at the limits when the time is over; a timer may come a little early. */
  start(): void {
    const { clock, limits: { limits: { maxDurationMs } } } = this.#options;
    if (maxDurationMs === undefined || this.#exceeded !== undefined) return;
    this.#callOff = clock.after(Math.max(1, maxDurationMs - this.#durationMs), () => {
      this.check();
      this.start();
    });
  }

  /** The time is of no more interest. */
  stop(): void {
    this.#callOff();
  }

  /** Looks at the limits now. */
  check(): void {
    if (this.#exceeded !== undefined) return;
    const exceeded = this.#options.limits.exceeded({
      durationMs: this.#durationMs,
      usage: this.#usage,
      turns: this.#turns,
    });
    if (exceeded !== undefined) this.end(exceeded);
  }

  /** A limit is over that somebody else looks at; the first one stays. */
  end(exceeded: ExceededLimit): void {
    if (this.#exceeded !== undefined) return;
    this.#exceeded = exceeded;
    this.#over.abort(new Error(exceeded.message));
  }

  get #turns(): number {
    return this.#options.before.turns + this.#options.said.toolCalls;
  }

  get #usage(): WorkUsage {
    // A conversation that is gone on with tells the cost of all of it.
    const { said, isResumed } = this.#options;
    const { cost, ...before } = this.#options.before.usage;
    return addUsage(isResumed() ? before : { cost, ...before }, said.usage);
  }

  get #durationMs(): number {
    const { clock, before } = this.#options;
    return before.ms + clock.now() - this.#begunMs;
  }
}

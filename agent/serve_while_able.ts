/**
 * Serving with pauses: an agent that is suspended takes no more work until a check passes.
 *
 * @module
 */
import { type Clock, passed } from "./clock.ts";
import type { Suspension } from "./suspension.ts";

/** What can be suspended, and how to find out that it may go on. */
export interface Suspendable {
  readonly suspension: Suspension;
  /** @returns What still stands in the way of work, for people; undefined if nothing does. */
  check(): Promise<string | undefined>;
}

/** Options of {@linkcode serveWhileAble}. */
export interface ServeWhileAbleOptions {
  /** Stops it. */
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** Told when it is suspended, when a check has failed, and when it takes work again. */
  readonly onPause?: (pause: Pause) => void;
}

/** What is told of a pause. */
export type Pause =
  | { readonly kind: "suspended"; readonly reason: string; readonly delayMs: number }
  | { readonly kind: "resumed" };

/** The pause before the first check, in milliseconds; it doubles with each. */
const FIRST_PAUSE_MS = 30_000;
/** The longest pause, in milliseconds. */
const LONGEST_PAUSE_MS = 300_000;

/**
 * Serves until the signal is aborted. When the agent is suspended, it stops serving, which lets work
 * that it has already finish, waits, and serves again once the check passes. The first pause is 30
 * seconds; it grows to 5 minutes while checks fail, or while the agent is suspended again before
 * any work has succeeded.
 *
 * @param serve Serves until the signal it is given is aborted.
 * @throws What `serve` throws.
 */
export async function serveWhileAble(
  serve: (signal: AbortSignal) => Promise<void>,
  { suspension, check }: Suspendable,
  { signal, clock, onPause = () => {} }: ServeWhileAbleOptions,
): Promise<void> {
  while (!signal.aborted) {
    const suspended = new AbortController();
    let ended = false;
    void suspension.untilSuspended().then(() => {
      if (!ended) suspended.abort();
    });
    await serve(AbortSignal.any([signal, suspended.signal]));
    ended = true;
    if (signal.aborted || suspension.reason === undefined) return;
    let reason = suspension.reason;
    for (let pauses = suspension.inARow - 1; !signal.aborted; pauses++) {
      const delayMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(pauses, 10), LONGEST_PAUSE_MS);
      onPause({ kind: "suspended", reason, delayMs });
      await passed(clock, delayMs, signal);
      if (signal.aborted) return;
      const wrong = await check();
      if (wrong === undefined) break;
      reason = wrong;
    }
    if (signal.aborted) return;
    suspension.resume();
    onPause({ kind: "resumed" });
  }
}

import { setImmediate } from "node:timers";

/** Time and chance, as the agent sees them; passed in, so that tests need neither. */
export interface Clock {
  /** Milliseconds since some moment; never goes back. */
  now(): number;
  /** From 0 to 1, without 1. */
  random(): number;
  /** Runs something later, once. @returns A function that calls it off. */
  after(delayMs: number, run: () => void): () => void;
  /** Runs something when all that is ready in this turn of the event loop has been done. */
  endOfTurn(run: () => void): void;
}

/** The real one. */
export const systemClock: Clock = {
  now: () => performance.now(),
  random: () => Math.random(),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
  endOfTurn: (run) => {
    setImmediate(run);
  },
};

/** Waits some milliseconds, or until a signal is aborted, whichever comes first. */
export function passed(
  clock: Pick<Clock, "after">,
  delayMs: number,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = () => {
    callOff();
    signal.removeEventListener("abort", end);
    resolve();
  };
  const callOff = clock.after(delayMs, end);
  signal.addEventListener("abort", end);
  return promise;
}

/** Waits for something, but not forever. @returns `undefined` if it takes longer. */
export async function within<T>(
  clock: Pick<Clock, "after">,
  limitMs: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const callOff = clock.after(limitMs, () => resolve(undefined));
  try {
    return await Promise.race([promise, late]);
  } finally {
    callOff();
  }
}

/** Options of {@linkcode until}. */
export interface UntilOptions {
  /** How long to wait at most, in milliseconds; default 30 000. */
  readonly timeoutMs?: number;
  /** What is waited for, for the error: "Waited 30000 ms for {message}". */
  readonly message?: string;
}

/** How long to pause between two looks, in milliseconds. */
const PAUSE_MS = 10;

/** A condition was not met in time. */
export class UntilError extends Error {
  override readonly name = "UntilError";
}

/**
 * Waits until a condition holds, by looking again and again.
 *
 * @param condition Returns, or resolves to, something truthy once it holds. What it throws is
 * thrown on at once: a condition that may fail for a while catches that itself.
 * @param options How long to wait, and what for.
 * @returns The truthy value.
 * @throws {UntilError} If it did not hold in time; the message names what was waited for.
 *
 * @example
 * ```ts
 * import { until } from "./until.ts";
 *
 * const words: string[] = [];
 * queueMicrotask(() => words.push("hello"));
 * const word = await until(() => words[0], { message: "a word" });
 * ```
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  options: UntilOptions = {},
): Promise<Exclude<T, false | 0 | "" | null | undefined>> {
  const { timeoutMs = 30_000, message = String(condition) } = options;
  const deadline = performance.now() + timeoutMs;
  while (true) {
    // The first look is always taken, however small the timeout.
    const value = await beforeDeadline(condition, deadline);
    if (value) return value as Exclude<T, false | 0 | "" | null | undefined>;
    if (performance.now() >= deadline) {
      throw new UntilError(`Waited ${timeoutMs} ms for ${message}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** The condition's value, or undefined if it is still not there at the deadline. */
async function beforeDeadline<T>(
  condition: () => T | Promise<T>,
  deadline: number,
): Promise<T | undefined> {
  const value = condition();
  if (!(value instanceof Promise)) return value;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), Math.max(0, deadline - performance.now()));
  try {
    return await Promise.race([value, promise]);
  } finally {
    clearTimeout(timer);
  }
}

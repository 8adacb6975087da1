import { DemoError } from "./demo_error.ts";

/** How long to pause between two looks, in milliseconds. */
const PAUSE_MS = 25;

/**
 * Looks again and again until a condition holds.
 *
 * @param condition What to wait for; what it throws ends the waiting.
 * @param options `timeoutMs`: how long at most. `what`: names it in the error. `signal`: gives up.
 * @throws {DemoError} If it does not hold in time; or the signal's reason.
 */
export async function waitFor(
  condition: () => Promise<boolean>,
  options: { readonly timeoutMs: number; readonly what: string; readonly signal: AbortSignal },
): Promise<void> {
  const { timeoutMs, what, signal } = options;
  const deadline = performance.now() + timeoutMs;
  while (true) {
    signal.throwIfAborted();
    if (await condition()) return;
    if (performance.now() > deadline) {
      throw new DemoError(`Waited ${timeoutMs / 1000} s for ${what}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

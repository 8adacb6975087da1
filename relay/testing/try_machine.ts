import fc from "fast-check";
import type { Attempt } from "../attempt.ts";
import { AttemptWorld } from "./attempt_world.ts";

/** Random numbers, each of which chooses a step. */
const STEPS = fc.array(fc.nat(1_000_000), { minLength: 1, maxLength: 80, size: "max" });

/**
 * Tries random sequences of everything that can happen to attempts.
 *
 * @param attemptClass The machine, or one with a fault in it.
 * @throws What one of them has shown.
 */
export function tryMachine(attemptClass: typeof Attempt, sequences: number, seed?: number): void {
  const now = performance.now;
  const found = (() => {
    try {
      return fc.check(
        fc.property(STEPS, (steps) => {
          const world = new AttemptWorld(attemptClass);
          performance.now = () => world.queue.now;
          for (const step of steps) world.step(step);
          world.finish();
        }),
        {
          numRuns: sequences,
          endOnFailure: seed !== undefined,
          ...(seed !== undefined && { seed }),
        },
      );
    } finally {
      performance.now = now;
    }
  })();
  if (found.failed) throw new Error(fc.defaultReportMessage(found), { cause: found.errorInstance });
}

import assert from "node:assert/strict";
import type { Connection } from "@ourocodus/bus";
import { OutcomeReader } from "./outcome_reader.ts";
import { leaseOf } from "./testing/fake_effects.ts";

Deno.test("a reader that is closed while NATS refuses an answer asks no more, and leaves no timer", async () => {
  const problems: string[] = [];
  const connection = {
    connected: true,
    ask: () => Promise.reject(new Error("no")),
  };
  const reader: OutcomeReader = new OutcomeReader({
    connection: connection as unknown as Connection,
    onProblem: (reason) => {
      problems.push(reason);
      reader.close();
    },
  });
  // Not awaited: a timer that still runs when the test ends is a leak.
  const asked = reader.lookUp({ session: "s", role: "r", lease: leaseOf(1) });
  while (problems.length === 0) await Promise.resolve();
  assert.deepEqual([problems.length, asked instanceof Promise], [1, true]);
});

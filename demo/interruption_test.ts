import assert from "node:assert/strict";
import { Interrupted, Interruption } from "./interruption.ts";

Deno.test("the first signal ends, a second one hurries", () => {
  let now = 1_000;
  const interruption = new Interruption(() => now);
  assert.equal(interruption.end.aborted, false);
  interruption.heard("SIGINT");
  assert.equal(interruption.end.aborted, true);
  assert.equal(interruption.hurry.aborted, false);
  now += 1_000;
  interruption.heard("SIGINT");
  assert.equal(interruption.hurry.aborted, true);
});

Deno.test("one Ctrl-C that comes twice at once does not hurry", () => {
  let now = 1_000;
  const interruption = new Interruption(() => now);
  interruption.heard("SIGINT");
  now += 2;
  interruption.heard("SIGINT");
  assert.equal(interruption.hurry.aborted, false);
});

Deno.test("the reason has the exit code that tells the signal", () => {
  for (const [signal, code] of [["SIGHUP", 129], ["SIGINT", 130], ["SIGTERM", 143]] as const) {
    const interruption = new Interruption();
    interruption.heard(signal);
    assert(interruption.end.reason instanceof Interrupted);
    assert.equal(interruption.end.reason.exitCode, code);
  }
});

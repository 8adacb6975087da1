import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { Heartbeats } from "./heartbeats.ts";

class Counter {
  beats = 0;

  heartbeat(): void {
    this.beats++;
  }
}

Deno.test("each gets as many heartbeats as the others, one at most apart, and none at once with all", async () => {
  const heartbeats = new Heartbeats(500);
  const counters = Array.from({ length: 200 }, () => new Counter());
  for (const counter of counters) heartbeats.add(counter);
  const counts = () => new Set(counters.map(({ beats }) => beats));
  // Some have theirs, others not yet.
  await until(() => counts().size === 2);
  await until(() => !counts().has(0) && !counts().has(1));
  assert.ok(Math.max(...counts()) - Math.min(...counts()) <= 1);
  heartbeats.close();
});

Deno.test("who is taken out gets none, and who is put in gets some", async () => {
  const heartbeats = new Heartbeats(50);
  const [gone, stays] = [new Counter(), new Counter()];
  heartbeats.add(gone);
  heartbeats.delete(gone);
  heartbeats.delete(gone);
  heartbeats.add(stays);
  await until(() => stays.beats >= 2);
  assert.equal(gone.beats, 0);
  heartbeats.close();
});

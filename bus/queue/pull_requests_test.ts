import assert from "node:assert/strict";
import { PullRequests } from "./pull_requests.ts";

const TIMES = { pullExpiresMs: 30_000, heartbeatMs: 5_000 };
const SECOND = 1_000;

Deno.test("what was asked for comes, or a status says how much of it does not", () => {
  const pulls = new PullRequests(TIMES);
  const first = pulls.asked(5, 100);
  const second = pulls.asked(3, 1_100);
  assert.deepEqual([first, second, pulls.outstanding], [1, 2, 8]);
  pulls.delivered();
  pulls.ended(first, 4);
  assert.equal(pulls.outstanding, 3);
  pulls.ended(second, 7);
  assert.equal(pulls.outstanding, 0, "a status that says too much takes no more than there is");
  pulls.delivered();
  assert.equal(pulls.outstanding, 0, "nor does work that nobody asked for");
});

Deno.test("a consumer is silent when nothing has come for two heartbeats while something is asked for", () => {
  const pulls = new PullRequests(TIMES);
  pulls.asked(1, 500);
  assert.equal(pulls.sweep(10_500), false);
  assert.equal(pulls.sweep(10_501), true);
  pulls.heard();
  assert.equal(pulls.sweep(11 * SECOND), false);
  assert.equal(pulls.sweep(21 * SECOND), false);
  assert.equal(pulls.sweep(22 * SECOND), true);
  pulls.delivered();
  assert.equal(pulls.sweep(23 * SECOND), false, "nothing is asked for");
  pulls.asked(1, 60 * SECOND);
  assert.equal(pulls.sweep(61 * SECOND), false, "what was just asked for has time");
});

Deno.test("requests that should have ended lapse, and with them what they asked for", () => {
  const pulls = new PullRequests(TIMES);
  pulls.asked(2, 100);
  pulls.asked(1, 5_000);
  pulls.heard();
  assert.equal(pulls.sweep(33 * SECOND), false);
  pulls.heard();
  assert.equal(pulls.sweep(34 * SECOND), true, "no status has come");
  assert.equal(pulls.outstanding, 1);
  pulls.heard();
  assert.equal(pulls.sweep(35 * SECOND), false);
  pulls.forget();
  assert.equal(pulls.outstanding, 0);
  assert.equal(pulls.sweep(90 * SECOND), false);
});

import assert from "node:assert/strict";
import { statusOf } from "./part_status.ts";
import type { ProcessView } from "./process_spec.ts";

const STARTED = Date.parse("2026-11-27T03:00:00Z");

function view(status: ProcessView["status"], restarts = 0): ProcessView {
  const spec = {
    ...{ name: "relay", kind: "part" as const, rank: 1, command: "relay", args: [], env: {} },
    ...{ cwd: "/", log: "/relay.log", stopMs: 1_000 },
  };
  return { spec, status, restarts, startedAt: new Date(STARTED).toISOString(), adopted: false };
}

Deno.test("a part that is young and has not been well yet is starting, an older one is unhealthy", () => {
  assert.equal(statusOf(view("starting"), STARTED + 76), "starting");
  assert.equal(statusOf(view("starting"), STARTED + 5_000), "unhealthy");
  assert.equal(statusOf(view("running", 1), STARTED + 76), "starting");
  assert.equal(statusOf(view("running", 1), STARTED + 5_000), "unhealthy");
});

Deno.test("a part that was well and is not any more is unhealthy, however young", () => {
  assert.equal(statusOf(view("running"), STARTED + 76), "unhealthy");
});

Deno.test("a part that does not run is down, unless it is about to be started again", () => {
  assert.equal(statusOf(undefined, STARTED), "down");
  assert.equal(statusOf(view("exited"), STARTED), "down");
  assert.equal(statusOf(view("waiting", 1), STARTED), "restarting");
});

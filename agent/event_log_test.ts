import { reset } from "@logtape/logtape";
import assert from "node:assert/strict";
import { configureLogging } from "@ourocodus/protocol";
import { WorkError } from "./errors.ts";
import { logEvent } from "./event_log.ts";
import type { AgentEvent } from "./events.ts";

async function logged(...events: AgentEvent[]): Promise<Record<string, unknown>[]> {
  const lines: string[] = [];
  await configureLogging({ write: (line) => lines.push(line) });
  try {
    for (const event of events) logEvent(event);
  } finally {
    await reset();
  }
  return lines.map((line) => JSON.parse(line));
}

Deno.test("a relay that stays away is logged ever more rarely", async () => {
  const events = Array.from({ length: 100 }, (_, index): AgentEvent => ({
    type: "unreachable",
    url: "ws://host/agent",
    reason: "tcp connect error",
    failures: index + 1,
    retryMs: 5,
  }));
  const lines = await logged(...events);
  assert.deepEqual(lines.map((line) => line.failures), [1, 2, 4, 8, 16, 32, 64]);
});

Deno.test("a handler's error is logged with its stack if it is a bug, whatever it is", async () => {
  const failed = (error: unknown): AgentEvent => ({
    type: "work.failed",
    id: "w",
    attempt: 1,
    error,
  });
  const [error, deliberate, text, nothing] = await logged(
    failed(new TypeError("broken")),
    failed(new WorkError("exit", "it ended with 2")),
    failed("text"),
    failed(Object.create(null)),
  );
  assert.match(String(error?.message), /^Work .*w.* failed: .*broken/);
  assert.match(String(error?.stack), /TypeError: broken\n +at /);
  assert.match(String(deliberate?.message), /it ended with 2/);
  assert.equal(deliberate?.stack, undefined);
  assert.match(String(text?.message), /text/);
  assert.match(String(nothing?.message), /has no text/);
});

Deno.test("what a relay refuses is logged with its reason", async () => {
  const [line] = await logged({
    type: "relay.error",
    code: "duplicate",
    message: "another result was accepted",
    lease: "L",
    dropped: true,
  });
  assert.equal(line?.code, "duplicate");
  assert.match(String(line?.message), /refused what was sent: .*another result was accepted/);
});

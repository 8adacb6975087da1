import assert from "node:assert/strict";
import { parseMessage } from "@ourocodus/protocol";
import { type Load, resultOf, tripOf, WorkText } from "./plan.ts";

const LOAD: Load = {
  trips: 1,
  agents: 3,
  window: 1,
  size: 5,
  rate: 0,
  relays: 1,
  idle: 0,
  sessions: 2,
  concurrency: 1,
};

Deno.test("work is a message for the agent whose turn it is", () => {
  const parsed = parseMessage(new WorkText(LOAD).of(7));
  assert(parsed.kind === "ok");
  const { id, type, payload } = parsed.message;
  assert.deepEqual({ id, type }, { id: "m7", type: "work" });
  assert.deepEqual(payload, { session_id: "bench1", role: "r1", message: "xxxxx" });
});

Deno.test("a result is a message of the same trip", () => {
  for (const trip of [0, 9, 10, 123_456]) {
    const text = resultOf(new WorkText(LOAD).of(trip));
    const parsed = parseMessage(text);
    assert(parsed.kind === "ok" && parsed.message.type === "result");
    assert.equal(tripOf(new TextEncoder().encode(text)), trip);
  }
});

Deno.test("what is no result of a trip has none", () => {
  assert.equal(tripOf(new TextEncoder().encode('{"id":"other","type":"result"}')), -1);
  assert.equal(tripOf(new Uint8Array(0)), -1);
});

import assert from "node:assert/strict";
import { startTestApi } from "./testing/test_api.ts";

Deno.test("health tells of NATS, streams and relays", async () => {
  await using api = await startTestApi();
  const { status, body } = await api.fetch("/health");
  assert.equal(status, 200);
  const { version, uptime_seconds, ...rest } = body;
  assert.equal(typeof version, "string");
  assert.ok(uptime_seconds >= 0);
  const log = { messages: 0, bytes: 0, first_sequence: 1, last_sequence: 0 };
  assert.deepEqual(rest, {
    status: "healthy",
    nats: "connected",
    relays: [],
    streams: { work: { messages: 0, bytes: 0 }, log },
    event_clients: 0,
  });
});

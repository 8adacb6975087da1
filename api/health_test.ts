import assert from "node:assert/strict";
import { connect } from "@ourocodus/bus";
import { RELAYS_AGENTS_SUBJECT } from "@ourocodus/protocol";
import { startTestApi } from "./testing/test_api.ts";

Deno.test("health tells of NATS, streams and relays", async () => {
  await using api = await startTestApi();
  const { status, body } = await api.fetch("/health");
  assert.equal(status, 200);
  const { version, uptime_seconds, nats_since, ...rest } = body;
  assert.equal(typeof version, "string");
  assert.ok(uptime_seconds >= 0);
  assert.ok(Date.parse(nats_since) <= Date.now());
  const log = { messages: 0, bytes: 0, first_sequence: 1, last_sequence: 0 };
  assert.deepEqual(rest, {
    status: "healthy",
    nats: "connected",
    relays: [],
    streams: { work: { messages: 0, bytes: 0 }, log },
    event_clients: 0,
  });
});

Deno.test("a relay that cannot do its work is told, with why, and the system is unhealthy", async () => {
  await using api = await startTestApi();
  await using client = await connect({ url: api.natsUrl });
  const page = { version: "1", page: 1, pages: 1, agents: [] };
  client.nats.subscribe(RELAYS_AGENTS_SUBJECT, {
    callback: (_, msg) => {
      msg.respond(JSON.stringify({ ...page, relay_id: "relay-1" }));
      msg.respond(JSON.stringify({ ...page, relay_id: "relay-2", reason: "it stores nothing" }));
      msg.respond(JSON.stringify({ ...page, relay_id: "relay-3", reason: 7 }));
    },
  });
  await client.nats.flush();
  const { status, body } = await api.fetch("/health");
  const { reason, streams } = body;
  assert.deepEqual([status, body.status, reason], [
    503,
    "unhealthy",
    "relay-2: it stores nothing",
  ]);
  assert.notEqual(streams, null);
  const relay = { version: "1", agents: 0, in_hand: 0 };
  assert.deepEqual(body.relays, [
    { ...relay, relay_id: "relay-1" },
    { ...relay, relay_id: "relay-2", reason: "it stores nothing" },
    { ...relay, relay_id: "relay-3" },
  ]);
});

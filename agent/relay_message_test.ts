import fc from "fast-check";
import assert from "node:assert/strict";
import { parseRelayMessage } from "./relay_message.ts";

function parse(type: string, payload: object, more: object = {}): unknown {
  return parseRelayMessage(JSON.stringify({ id: "1", type, payload, ...more }));
}

Deno.test("no line makes the parser throw", () => {
  const types = fc.constantFrom("work", "relay.welcome", "relay.cancel", "relay.drain");
  const others = fc.constantFrom("relay.error", "relay.stored", "relay.news", "");
  const message = fc.record({
    id: fc.oneof(fc.string(), fc.jsonValue()),
    type: fc.oneof(types, others),
    payload: fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom("lease", "leases", "max_message_bytes", "seconds", "heartbeat_seconds"),
        fc.jsonValue(),
      ),
    ),
    lease: fc.jsonValue(),
    attempt: fc.jsonValue(),
  });
  const line = fc.oneof(fc.string(), message.map((value) => JSON.stringify(value)));
  fc.assert(fc.property(line, (text) => {
    assert.equal(typeof parseRelayMessage(text).kind, "string");
  }));
});

Deno.test("a welcome needs the size limit, and may announce heartbeats", () => {
  assert.deepEqual(parse("relay.welcome", { relay_id: "r", version: "1", max_message_bytes: 9 }), {
    kind: "welcome",
    welcome: { relayId: "r", version: "1", maxMessageBytes: 9 },
  });
  assert.deepEqual(parse("relay.welcome", { max_message_bytes: 9, heartbeat_seconds: 2 }), {
    kind: "welcome",
    welcome: { relayId: "", version: "", maxMessageBytes: 9, heartbeatMs: 2_000 },
  });
  assert.deepEqual(parse("relay.welcome", {}), {
    kind: "invalid",
    reason: 'message of type "relay.welcome" needs max_message_bytes, got nothing',
  });
});

Deno.test("work needs a lease that can stand in JSON as it is, and an attempt", () => {
  const lease = "$JS.ACK.OUROCODUS_WORK.s=r.1.2.3.4.0";
  assert.equal((parse("work", {}, { lease, attempt: 1 }) as { kind: string }).kind, "work");
  for (const wrong of [undefined, 1, "", 'a"b', "a\\b", "a b", "ä", "x".repeat(1_025)]) {
    assert.match(
      (parse("work", {}, { lease: wrong, attempt: 1 }) as { reason: string }).reason,
      /^message of type "work" needs a lease, got /,
    );
  }
  for (const wrong of [undefined, 0, 1.5, "1", {}]) {
    assert.match(
      (parse("work", {}, { lease, attempt: wrong }) as { reason: string }).reason,
      /^message of type "work" needs an attempt of 1 or more, got /,
    );
  }
});

Deno.test("what else a relay says", () => {
  assert.deepEqual(parse("relay.cancel", { lease: "L", reason: "answered" }), {
    kind: "cancel",
    cancel: { lease: "L", reason: "answered" },
  });
  assert.deepEqual(parse("relay.drain", { seconds: 25 }), {
    kind: "drain",
    drain: { seconds: 25 },
  });
  assert.deepEqual(parse("relay.stored", { leases: ["a", 1, "b"] }), {
    kind: "stored",
    leases: ["a", "b"],
  });
  assert.deepEqual(parse("relay.error", { code: "duplicate", message: "late", lease: "L" }), {
    kind: "error",
    error: { code: "duplicate", message: "late", lease: "L" },
  });
  assert.deepEqual(parse("relay.news", {}), {
    kind: "invalid",
    reason: 'message of type "relay.news" is of no known type',
  });
});

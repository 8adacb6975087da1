import assert from "node:assert/strict";
import fc from "fast-check";
import { type AgentRequest, parseAgentRequest } from "./agent_request.ts";

function accepted(query: string, offered: string | null = null): AgentRequest {
  const parsed = parseAgentRequest(new URLSearchParams(query), offered);
  return parsed.kind === "ok" ? parsed.request : assert.fail(JSON.stringify(parsed.errors));
}

function refused(query: string, offered: string | null = null): string[] {
  const parsed = parseAgentRequest(new URLSearchParams(query), offered);
  return parsed.kind === "invalid" ? parsed.errors.map(({ reason }) => reason) : [];
}

Deno.test("session and role are enough, everything else has its default", () => {
  assert.deepEqual(accepted("session_id=s&role=r"), {
    session: "s",
    role: "r",
    agentId: undefined,
    concurrency: 1,
    protocol: "plain",
    confirm: false,
    limits: {},
  });
  assert.deepEqual(
    accepted(
      "session_id=s&role=r&agent_id=a&concurrency=1024&confirm=true&limit_key=k&max_attempt_ms=1&no_progress_ms=2592000000&x=y",
      "ourocodus.v1",
    ),
    {
      session: "s",
      role: "r",
      agentId: "a",
      concurrency: 1_024,
      protocol: "ourocodus.v1",
      confirm: true,
      limitKey: "k",
      limits: { maxAttemptMs: 1, noProgressMs: 2_592_000_000 },
    },
  );
});

Deno.test("everything that is wrong is said at once", () => {
  assert.deepEqual(refused("concurrency=x&agent_id=", "mqtt, soap"), [
    "session_id is missing",
    "role is missing",
    "agent_id is empty",
    'concurrency is "x", allowed is a whole number from 1 to 1024',
    'Sec-WebSocket-Protocol is "mqtt, soap", this relay speaks ourocodus.v1, or none',
  ]);
  assert.deepEqual(refused("session_id=s&role=r&role=q&role=p"), ["role is given 3 times"]);
});

Deno.test("concurrency is a whole number from 1 to 1024, in digits", () => {
  for (const value of ["0", "1025", "-1", "1.5", "1e3", "0x10", "", " 1", "9".repeat(1_000)]) {
    const [reason, ...more] = refused(`session_id=s&role=r&concurrency=${value}`);
    assert.match(reason ?? "", /^concurrency is ".{0,32}", allowed is a whole number/, value);
    assert.deepEqual(more, []);
  }
  assert.equal(accepted("session_id=s&role=r&concurrency=007").concurrency, 7);
});

Deno.test("ours is found among offered subprotocols however they are spaced", () => {
  for (const offered of ["ourocodus.v1", "a,ourocodus.v1", " ourocodus.v1 ,b", ",,ourocodus.v1"]) {
    assert.equal(accepted("session_id=s&role=r", offered).protocol, "ourocodus.v1");
  }
  for (const offered of ["", " ", ",", null]) {
    assert.equal(accepted("session_id=s&role=r", offered).protocol, "plain");
  }
  for (const offered of ["Ourocodus.v1", "ourocodus.v2", "ourocodus"]) {
    assert.equal(refused("session_id=s&role=r", offered).length, 1);
  }
});

Deno.test("no query makes it throw, and what it takes is fit for a subject", () => {
  const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("s", "1", "true"));
  const names = fc.constantFrom("session_id", "role", "agent_id", "concurrency", "confirm", "x");
  fc.assert(
    fc.property(fc.array(fc.tuple(names, value)), value, (pairs, offered) => {
      const parsed = parseAgentRequest(new URLSearchParams(pairs), offered);
      if (parsed.kind === "invalid") return assert.ok(parsed.errors.length > 0);
      const { session, role, concurrency } = parsed.request;
      assert.match(`${session}.${role}`, /^[\w-]{1,64}\.[\w-]{1,64}$/);
      assert.ok(concurrency >= 1 && concurrency <= 1_024);
    }),
    { numRuns: 300 },
  );
});

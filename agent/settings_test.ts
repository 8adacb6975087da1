import assert from "node:assert/strict";
import { OurocodusError } from "@ourocodus/protocol";
import { type AgentFlags, agentSettings } from "./settings.ts";

function settings(env: Record<string, string>, flags?: AgentFlags): unknown {
  try {
    return agentSettings(new Map(Object.entries(env)), flags);
  } catch (error) {
    assert(error instanceof OurocodusError);
    return error.message;
  }
}

Deno.test("settings have defaults where they can", () => {
  assert.deepEqual(settings({ SESSION_ID: "test", ROLE: "echo" }), {
    relayUrl: "ws://localhost:8080",
    session: "test",
    role: "echo",
    concurrency: 1,
    drainMs: 25_000,
  });
  const all = {
    SESSION_ID: "s",
    ROLE: "r",
    RELAY_URL: "wss://h",
    AGENT_ID: "a",
    CONCURRENCY: "9",
    DRAIN_SECONDS: "90",
  };
  assert.deepEqual(settings(all), {
    relayUrl: "wss://h",
    session: "s",
    role: "r",
    agentId: "a",
    concurrency: 9,
    drainMs: 90_000,
  });
});

Deno.test("all that is missing is named at once", () => {
  const advice = "set SESSION_ID and ROLE, or give --session and --role, for example " +
    "SESSION_ID=test ROLE=echo deno task agent";
  assert.equal(settings({}), `SESSION_ID and ROLE are missing: ${advice}`);
  assert.equal(settings({ ROLE: "r", SESSION_ID: " " }), `SESSION_ID is missing: ${advice}`);
  assert.equal(settings({ SESSION_ID: "s" }), `ROLE is missing: ${advice}`);
});

Deno.test("what cannot be used is named with its value and what is allowed", () => {
  const good = { SESSION_ID: "s", ROLE: "r" };
  const allowed = "allowed are A-Z a-z 0-9 _ -";
  assert.equal(settings({ ...good, ROLE: ">" }), `ROLE is ">", ${allowed}`);
  assert.equal(settings({ ...good, SESSION_ID: "a.b" }), `SESSION_ID is "a.b", ${allowed}`);
  assert.equal(settings({ ...good, AGENT_ID: "a b" }), `AGENT_ID is "a b", ${allowed}`);
  assert.equal(
    settings({ ...good, CONCURRENCY: "2000" }),
    'CONCURRENCY is "2000", allowed is 1 to 1024',
  );
  assert.equal(
    settings({ ...good, RELAY_URL: "localhost:8080" }),
    'RELAY_URL is "localhost:8080", it must be a URL like ws://localhost:8080',
  );
});

Deno.test("flags come before the environment, and are named by what is wrong with them", () => {
  const env = { SESSION_ID: "s", ROLE: ">", CONCURRENCY: "x", DRAIN_SECONDS: "9" };
  const flags = { role: "r", concurrency: "3", agentId: "a", relay: "ws://h", drain: "1h" };
  assert.deepEqual(settings(env, flags), {
    relayUrl: "ws://h",
    session: "s",
    role: "r",
    agentId: "a",
    concurrency: 3,
    drainMs: 3_600_000,
  });
  assert.match(String(settings(env, { ...flags, session: "" })), /^--session is empty/);
  assert.match(String(settings(env, { ...flags, drain: "x" })), /^--drain is "x"/);
  assert.match(String(settings(env, { ...flags, relay: "x" })), /^--relay is "x"/);
});

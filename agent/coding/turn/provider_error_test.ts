import assert from "node:assert/strict";
import fc from "fast-check";
import { classOf, type ErrorClass, retryDelayMs } from "./provider_error.ts";

Deno.test("a provider's error is known by its status or its words, as agents hand it on", () => {
  const cases: Array<[string, ErrorClass]> = [
    ["exceeded retry limit, last status: 429 Too Many Requests", "limit"],
    ["API Error: Request rejected (429) · mock 429", "limit"],
    ["You exceeded your current quota", "limit"],
    ["Claude AI usage limit reached|1736035200", "limit"],
    ["unexpected status 401 Unauthorized: no key", "access"],
    ['{"error":{"code":401,"message":"mock 401","status":"INTERNAL","details":[]}}', "access"],
    ["Invalid API key · Please run /login", "access"],
    ["API Error: 403 forbidden", "access"],
    ["API Error: 529 mock 529. This is a server-side issue", "service"],
    ["We’re currently experiencing high demand, which may cause temporary errors.", "service"],
    ['{"error":{"message":"mock","type":"server_error","code":"server_error"}}', "service"],
    ["terminated", "service"],
    ["TypeError: fetch failed", "service"],
    ["connect ECONNREFUSED 127.0.0.1:1", "service"],
    ["API Error: 400 mock 400", "request"],
    ["Internal error: API Error: 400 mock 400", "request"],
    ["something else with 429 apples", "unknown"],
    ["", "unknown"],
  ];
  for (const [text, expected] of cases) assert.equal(classOf({ texts: [text] }), expected, text);
});

Deno.test("a code in the place of an HTTP status is one, and -32000 is a login", () => {
  assert.equal(classOf({ code: -32000, texts: ["x"] }), "access");
  assert.equal(classOf({ code: 401, texts: ["x"] }), "access");
  assert.equal(classOf({ code: 500, texts: ["terminated"] }), "service");
  assert.equal(classOf({ code: 400, texts: ["x"] }), "request");
  assert.equal(classOf({ code: -32603, texts: ["Internal error"] }), "unknown");
  const data = { errorKind: "rate_limit" };
  assert.equal(classOf({ code: -32603, texts: ["Internal error"], data }), "limit");
});

Deno.test("the delay is the provider's where it says one", () => {
  const cases: Array<[string, number]> = [
    ["Please try again in 5s", 5_000],
    ["try again in 1.5 seconds.", 1_500],
    ["Try again in 28ms", 1_000],
    ["Please try again in 1m30s", 90_000],
    ["try again in 2 hours and 5 minutes", 7_500_000],
    ["Rate limited. Retry after 20 seconds", 20_000],
    ["retry after 20", 20_000],
    ["Retry-After: 7", 7_000],
    ['"retry-after":"7"', 7_000],
    ["retry after 20 ms", 1_000],
    ["retry-after: 2 minutes", 120_000],
    ["wait 3 days", 86_400_000],
    ["limit resets in 30 minutes", 1_800_000],
    ["You are limited", 60_000],
    ["", 60_000],
    ["try again later", 60_000],
    ["limit reached|1736035200", 60_000],
  ];
  for (const [text, ms] of cases) assert.equal(retryDelayMs({ texts: [text] }), ms, text);
});

Deno.test("the delay is read from fields, and from JSON within a text", () => {
  const delay = (data: unknown, texts: string[] = []) => retryDelayMs({ texts, data }, 1_000_000);
  assert.equal(delay({ retryAfterMs: 2_500 }), 2_500);
  assert.equal(delay({ a: [{ headers: { "retry-after": "12" } }] }), 12_000);
  assert.equal(delay({ retry_after: 3 }), 3_000);
  assert.equal(delay({ details: [{ retryDelay: "34.5s" }] }), 34_500);
  assert.equal(delay({ "retry-after": new Date(1_090_000).toUTCString() }), 90_000);
  assert.equal(delay(undefined, ["x|1736035200"]), 86_400_000);
  const json = JSON.stringify({ error: { details: [{ retryDelay: "34s" }] } });
  assert.equal(delay(undefined, [json]), 34_000);
  assert.equal(delay({ retryAfter: -1, retryDelay: "soon", retryIn: {} }), 60_000);
});

Deno.test("any error has a class and a delay within its limits, in no time", () => {
  const text = fc.oneof(
    fc.string({ maxLength: 200 }),
    fc.stringMatching(/^(retry|try again|in|after| |\d|[smhd:.{}"|])*$/),
  );
  fc.assert(
    fc.property(fc.array(text), fc.jsonValue(), fc.option(fc.integer()), (texts, data, wall) => {
      const facts = { texts, data };
      assert.ok(["limit", "access", "service", "request", "unknown"].includes(classOf(facts)));
      const ms = retryDelayMs(facts, wall ?? undefined);
      assert.ok(ms >= 1_000 && ms <= 86_400_000 && Number.isInteger(ms), `${ms}`);
    }),
    { numRuns: 500 },
  );
  for (
    const hostile of ["try again ".repeat(10_000), "1".repeat(100_000), "wait 1 s ".repeat(9_999)]
  ) {
    retryDelayMs({ texts: [hostile], data: { a: hostile } });
    classOf({ texts: [hostile], data: Array(1_000).fill([hostile]) });
  }
});

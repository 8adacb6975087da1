import assert from "node:assert/strict";
import { FakeClock, turns } from "../testing/fake_clock.ts";
import { FakeProvider, messageAnswer } from "../testing/fake_provider.ts";
import { Gateway } from "./gateway.ts";
import { Pace, retryAfterMs } from "./pace.ts";

const NEVER = new AbortController().signal;

function limited(headers: HeadersInit, status = 429): Response {
  return new Response("{}", { status, headers });
}

Deno.test("all requests of a key wait as long as the provider has asked one of them to", async () => {
  const clock = new FakeClock();
  const pace = new Pace(clock, 60_000);
  assert.equal(await pace.pass(pace.deadline(), NEVER), true);
  assert.equal(pace.heard(limited({ "retry-after": "10" })), true);
  const passed: number[] = [];
  for (const n of [1, 2]) void pace.pass(pace.deadline(), NEVER).then(() => passed.push(n));
  await clock.advance(5_000);
  // A shorter pause that is asked for later does not end the longer one; a longer one does not let go.
  pace.heard(limited({ "retry-after": "1" }, 529));
  await clock.advance(4_999);
  assert.deepEqual(passed, []);
  await clock.advance(1);
  assert.deepEqual(passed, [1, 2]);
});

Deno.test("a request does not wait longer than it may, and not when nobody wants it", async () => {
  const clock = new FakeClock();
  const pace = new Pace(clock, 60_000);
  pace.heard(limited({ "retry-after": "61" }));
  assert.equal(await pace.pass(pace.deadline(), NEVER), false);
  assert.equal(pace.leftMs, 61_000);
  await clock.advance(2_000);
  const leave = new AbortController();
  const waiting = pace.pass(pace.deadline(), leave.signal);
  await turns();
  leave.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  assert.equal(clock.pending, 0);
});

Deno.test("only an answer that says how long to wait pauses a key", () => {
  const pace = new Pace(new FakeClock(), 60_000);
  assert.equal(pace.heard(limited({})), false);
  assert.equal(pace.heard(limited({ "retry-after": "10" }, 503)), false);
  assert.equal(pace.leftMs, 0);
  const wallMs = Date.parse("2026-01-01T00:00:00Z");
  const of = (headers: HeadersInit) => retryAfterMs(new Headers(headers), wallMs);
  assert.equal(of({ "retry-after": "1.5" }), 1_500);
  assert.equal(of({ "retry-after": "9", "retry-after-ms": "20" }), 20);
  assert.equal(of({ "retry-after": "Thu, 01 Jan 2026 00:00:30 GMT" }), 30_000);
  assert.equal(of({ "retry-after": "Thu, 01 Jan 2020 00:00:30 GMT" }), 0);
  for (const wrong of ["", "-1", "soon", "1e9"]) {
    assert.equal(of({ "retry-after": wrong }), undefined);
  }
});

Deno.test("the gateway asks again when a pause is over, and passes a longer one on", async () => {
  await using provider = new FakeProvider();
  await using gateway = Gateway.start({ upstreams: [provider.upstream()], maxWaitMs: 5_000 });
  const { token } = gateway.admit();
  const ask = async () => {
    const response = await fetch(`${gateway.url}/anthropic/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": token },
      body: "{}",
    });
    await response.body?.cancel();
    return [response.status, response.headers.get("retry-after")];
  };
  provider.answer = () =>
    provider.requests.length <= 2 ? limited({ "retry-after-ms": "50" }) : messageAnswer();
  assert.deepEqual(await ask(), [200, null]);
  assert.equal(provider.requests.length, 3);

  provider.answer = () => limited({ "retry-after": "60" });
  assert.deepEqual(await ask(), [429, "60"]);
  assert.equal(provider.requests.length, 4);
  assert.deepEqual(await ask(), [429, "60"]);
  assert.equal(provider.requests.length, 4, "the provider is not asked meanwhile");
});

Deno.test("other errors are passed on as they are", async () => {
  await using provider = new FakeProvider(() => limited({ "retry-after": "1" }, 503));
  await using gateway = Gateway.start({ upstreams: [provider.upstream()] });
  const response = await fetch(`${gateway.url}/anthropic/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": gateway.admit().token },
    body: "{}",
  });
  assert.deepEqual([response.status, await response.text()], [503, "{}"]);
});

/** Requests that nobody should send: each is answered with a problem that says what is wrong. */
import assert from "node:assert/strict";
import type { ProblemError } from "./problem.ts";
import { readBody } from "./request_body.ts";
import type { DocumentedOperation } from "./testing/api_document.ts";
import { startTestApi, type TestApi } from "./testing/test_api.ts";

const WORK = "/api/sessions/docs/work/writer";
const JSON_TYPE = { "content-type": "application/json" };

interface HostileRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

const REQUESTS: readonly (readonly [string, HostileRequest, number, RegExp])[] = [
  ["no JSON", { body: "{nope" }, 400, /not JSON.*position 1|not JSON/],
  ["an empty body", { body: "" }, 400, /empty/],
  ["JSON that is no object", { body: "[1]" }, 400, /^the body is an array, it must be an object$/],
  ["null", { body: "null" }, 400, /^the body is null, it must be an object$/],
  [
    "a payload that is a text",
    { body: '{"payload":"x"}' },
    400,
    /^\/payload is a string, it must be an object$/,
  ],
  ["neither payload nor message", { body: "{}" }, 400, /payload is missing/],
  ["both payload and message", { body: '{"payload":{},"message":"x"}' }, 400, /one of them/],
  [
    "an id that is a number",
    { body: '{"id":1,"message":"x"}' },
    400,
    /^\/id is a number, it must be a string$/,
  ],
  ["an empty type", { body: '{"type":"","message":"x"}' }, 400, /^\/type is empty$/],
  ["an id without end", { body: `{"id":"${"i".repeat(129)}","message":"x"}` }, 400, /129.*128/],
  ["a relay's own type", { body: '{"type":"relay.cancel","message":"x"}' }, 400, /"relay.cancel"/],
  ["text that is not UTF-8", { body: new Uint8Array([0x7b, 0xff, 0x7d]) }, 400, /UTF-8/],
  [
    "deep JSON",
    { body: `{"payload":${"[".repeat(1e5)}${"]".repeat(1e5)}}` },
    400,
    /deep|levels|500/,
  ],
  ["a body above the limit", { body: `{"message":"${"x".repeat(2 ** 20)}"}` }, 413, /1048576/],
  ["no content type", { body: "{}", headers: { "content-type": "" } }, 415, /application\/json/],
  ["a form", { body: "a=b", headers: { "content-type": "text/plain" } }, 415, /text\/plain/],
  [
    "a compressed body",
    { body: '{"message":"x"}', headers: { "content-encoding": "gzip" } },
    415,
    /gzip/,
  ],
  [
    "another charset",
    { body: "{}", headers: { "content-type": "application/json; charset=latin1" } },
    415,
    /UTF-8/,
  ],
  [
    "a foreign page",
    { body: '{"message":"x"}', headers: { origin: "http://evil.example" } },
    403,
    /evil/,
  ],
  [
    "a key with a line break",
    { body: "{}", headers: { "idempotency-key": "x".repeat(500) } },
    400,
    /500/,
  ],
  ["a session with a dot", { path: "/api/sessions/a.b/work/writer", body: "{}" }, 400, /session/],
  ["a wildcard", { path: "/api/sessions/*/work/%3E", body: "{}" }, 400, /session/],
  ["a path that leads up", { method: "GET", path: "/..%2f..%2fetc/passwd" }, 404, /no /],
  ["a broken escape", { method: "GET", path: "/api/work/%ff%fe%zz" }, 404, /%ff%fe%zz/],
  ["an unknown path", { method: "GET", path: "/api/nothing" }, 404, /\/api\/nothing/],
  ["an unknown method", { method: "BREW", path: "/api/agents" }, 405, /BREW.*GET/],
  ["PUT", { method: "PUT", path: WORK, body: "{}" }, 405, /POST/],
  ["a limit of 0", { method: "GET", path: "/api/sessions?limit=0" }, 400, /limit is "?0/],
  ["a limit that is a word", { method: "GET", path: "/api/sessions?limit=all" }, 400, /1 to 1000/],
  ["a misspelt filter", { method: "GET", path: "/api/agents?sesion=docs" }, 400, /sesion.*session/],
  ["a filter twice", { method: "GET", path: "/api/agents?role=a&role=b" }, 400, /2 times/],
  ["a sequence of 0", { method: "GET", path: "/api/sessions/docs/work/0" }, 400, /from 1/],
  [
    "a sequence without end",
    { method: "GET", path: `/api/sessions/docs/work/${"9".repeat(40)}` },
    400,
    /whole number/,
  ],
  ["a since that is no time", { method: "GET", path: "/api/events?since=yesterday" }, 400, /since/],
  [
    "a retry of all states",
    { path: "/api/work/retry?state=all&since=1h" },
    400,
    /state.*cancelled/,
  ],
  ["a retry of done work", { path: "/api/work/retry?state=done&since=1h" }, 400, /state/],
  ["a retry of all times", { path: "/api/work/retry?state=failed" }, 400, /since/],
  ["a retry since no time", { path: "/api/work/retry?state=dead&since=x" }, 400, /since is "?x/],
  ["a retry of too much", { path: "/api/work/retry?state=dead&since=1h&limit=1001" }, 400, /1000/],
  ["an unknown kind", { method: "GET", path: "/api/events?include=all" }, 400, /include/],
  [
    "an id that is no sequence",
    { method: "GET", path: "/api/events", headers: { "last-event-id": "x" } },
    400,
    /Last-Event-ID/i,
  ],
];

for (const [what, request, status, detail] of REQUESTS) {
  Deno.test(`${what} is a problem with status ${status}`, async () => {
    await using api = await startTestApi();
    const { method = "POST", path = WORK, headers, body } = request;
    const sent = method === "POST" || body !== undefined ? { ...JSON_TYPE, ...headers } : headers;
    const answer = await api.fetch(path, { method, headers: sent, body });
    assert.equal(answer.status, status, answer.text);
    assert.equal(answer.headers.get("content-type"), "application/problem+json");
    assert.match(answer.body.detail, detail);
    assert.match(answer.body.type, /#[a-z-]+$/);
    // What was sent is not sent back at any length.
    assert.ok(answer.text.length < 4_000, `${answer.text.length} characters`);
  });
}

Deno.test("every operation with a body says what that may be refused for", async () => {
  await using api = await startTestApi();
  const { body: document } = await api.fetch("/openapi.json");
  const operations = Object.values<Record<string, DocumentedOperation>>(document.paths)
    .flatMap((path) => Object.values(path)).filter(({ requestBody }) => requestBody !== undefined);
  assert(operations.length > 0);
  for (const { responses } of operations) {
    for (const status of ["400", "408", "413", "415"]) assert(status in responses, status);
  }
});

Deno.test("a body that does not come to its end in time is refused", async () => {
  const body = new ReadableStream({ start: (stream) => stream.enqueue(new Uint8Array([0x7b])) });
  const request = new Request("http://localhost/", { method: "POST", body });
  const read = readBody(request, { maxBytes: 10, timeoutMs: 1 });
  await assert.rejects(read, (error: ProblemError) => {
    assert.equal(error.kind, "too_slow");
    assert.match(error.message, /did not come within 1 ms/);
    return true;
  });
});

/** Sends bytes as they are. @returns All that comes back until the server or `until` ends it. */
async function raw(
  api: TestApi,
  text: string,
  options: { readonly half?: boolean } = {},
): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: api.api.port });
  await connection.write(new TextEncoder().encode(text));
  if (!options.half) await connection.closeWrite();
  const answer = await new Response(connection.readable).text();
  return answer;
}

Deno.test("what is no HTTP harms nobody", async () => {
  await using api = await startTestApi();
  const head = "GET /health HTTP/1.1\r\nHost: localhost\r\n";
  const bad = [
    "\0\0\0\0\r\n\r\n",
    "GET\r\n\r\n",
    `GET ${"/x".repeat(100_000)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    `${head}X: ${"y".repeat(300_000)}\r\nConnection: close\r\n\r\n`,
    `${head}${"A: b\r\n".repeat(20_000)}Connection: close\r\n\r\n`,
    "GET /health HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
    `POST ${WORK} HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n`,
    `POST ${WORK} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
    "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n",
  ];
  for (const text of bad) {
    const answer = await raw(api, text).catch(() => "");
    assert.doesNotMatch(answer, /^HTTP\/1\.1 (500|2)/, text.slice(0, 60));
  }
  assert.equal((await api.fetch("/health")).status, 200);
});

Deno.test("a request for another host is refused on every path: its name was made to point here", async () => {
  await using api = await startTestApi();
  for (const path of ["/", "/health", "/openapi.json", "/api/agents", "/api/events"]) {
    const answer = await raw(api, `GET ${path} HTTP/1.1\r\nHost: evil.example\r\n\r\n`);
    assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*ALLOWED_HOSTS may name it/, path);
  }
});

Deno.test("every answer forbids what a page of ours never does", async () => {
  await using api = await startTestApi();
  for (const path of ["/", "/api/agents", "/api/nothing", "/openapi.json"]) {
    const { headers } = await api.fetch(path);
    const policy = headers.get("content-security-policy") ?? "";
    assert.match(policy, /default-src 'none'|default-src 'self'/, path);
    assert.doesNotMatch(policy, /unsafe/);
    assert.equal(headers.get("x-content-type-options"), "nosniff", path);
    assert.equal(headers.get("access-control-allow-origin"), null, path);
  }
});

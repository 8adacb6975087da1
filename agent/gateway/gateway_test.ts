import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { FakeProvider, messageAnswer, PROVIDER_KEY } from "../testing/fake_provider.ts";
import { until } from "../../tests/support/mod.ts";
import { Gateway, type GatewayOptions } from "./gateway.ts";
import type { Pass } from "./pass.ts";

interface Scene extends AsyncDisposable {
  readonly provider: FakeProvider;
  readonly gateway: Gateway;
  readonly pass: Pass;
  /** Asks for a message; with the pass's token by default. */
  ask(init?: RequestInit, path?: string): Promise<Response>;
}

function scene(options: Partial<GatewayOptions> = {}): Scene {
  const provider = new FakeProvider();
  const gateway = Gateway.start({ upstreams: [provider.upstream()], ...options });
  const pass = gateway.admit();
  return {
    provider,
    gateway,
    pass,
    ask: (init = {}, path = "/anthropic/v1/messages") =>
      fetch(`${gateway.url}${path}`, {
        method: "POST",
        headers: { "x-api-key": pass.token },
        body: "{}",
        ...init,
      }),
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await provider[Symbol.asyncDispose]();
    },
  };
}

async function status(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

/** Sends bytes as they are. @returns The first line of the answer. */
async function raw(gateway: Gateway, text: string): Promise<string> {
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  try {
    socket.write(text);
    socket.end();
    const [chunk] = await once(socket, "data");
    return String(chunk).split("\r\n", 1)[0] ?? "";
  } finally {
    socket.destroy();
    await once(socket, "close");
  }
}

Deno.test("the gateway puts the key in the token's place, and counts what the answer tells", async () => {
  await using here = scene();
  const headers = {
    authorization: `Bearer ${here.pass.token}`,
    "anthropic-version": "2023-06-01",
    cookie: "a=b",
    connection: "x-hop",
    "x-hop": "1",
  };
  const response = await here.ask({ headers, body: '{"a":1}' }, "/anthropic/v1/messages?beta=true");
  assert.equal((await response.json()).usage.input_tokens, 10);
  const [request] = here.provider.requests;
  assert.ok(request);
  assert.deepEqual([request.path, request.body], ["/v1/messages?beta=true", '{"a":1}']);
  assert.equal(request.headers.get("x-api-key"), PROVIDER_KEY);
  assert.equal(request.headers.get("anthropic-version"), "2023-06-01");
  for (const name of ["authorization", "cookie", "x-hop"]) {
    assert.equal(request.headers.get(name), null);
  }
  assert.deepEqual(here.pass.usage, { input: 10, output: 5 });
});

Deno.test("the gateway refuses a token that is wrong, missing or revoked", async () => {
  await using here = scene();
  const other = here.gateway.admit();
  for (const token of ["", `${here.pass.token}x`, PROVIDER_KEY]) {
    assert.equal(await status(here.ask({ headers: { "x-api-key": token } })), 401);
  }
  other[Symbol.dispose]();
  assert.equal(await status(here.ask({ headers: { "x-api-key": other.token } })), 401);
  assert.equal(
    await status(
      here.ask({ headers: { "x-other": "" } }, `/anthropic/v1/messages?key=${other.token}`),
    ),
    401,
  );
  assert.equal(here.provider.requests.length, 0);
});

Deno.test("the gateway passes known paths on, and no others", async () => {
  await using here = scene();
  const paths = [
    ...[
      "/",
      "/v1/messages",
      "/anthropic",
      "/anthropic/",
      "/anthropic/v1/messages/",
      "/toString/v1",
    ],
    ...[
      "/anthropic/v1/files",
      "/anthropic/v1/messages/../files",
      "/anthropic/v1/messages%2f..%2ffiles",
    ],
    ...["/anthropic//v1/messages", "/anthropic/v1/messages;x", "/anthropic/v1/models/a%2fb"],
    ...["/openai/responses", "/anthropic/http://example.com/v1/messages"],
  ];
  for (const path of paths) assert.equal(await status(here.ask({}, path)), 404, path);
  assert.equal(await status(here.ask({ method: "DELETE" })), 404);
  assert.equal(await status(here.ask({ method: "GET", body: null })), 404);
  assert.equal(here.provider.requests.length, 0);
  assert.equal(await status(here.ask({ method: "GET", body: null }, "/anthropic/v1/models")), 200);
});

Deno.test("the gateway refuses what is too large, and requests that are no requests", async () => {
  await using here = scene();
  const large = { "x-api-key": here.pass.token, "x-large": "x".repeat(40_000) };
  assert.equal(await status(here.ask({ headers: large })), 431);
  assert.equal(await status(here.ask({}, `/anthropic/v1/messages?a=${"x".repeat(5_000)}`)), 414);
  const { token } = here.pass;
  const head = `Host: x\r\nX-Api-Key: ${token}\r\n`;
  const post = `POST /anthropic/v1/messages HTTP/1.1\r\n${head}`;
  const lines = [
    await raw(here.gateway, `${post}Content-Length: 99999999999\r\n\r\n{}`),
    await raw(here.gateway, `CONNECT example.com:443 HTTP/1.1\r\n${head}\r\n`),
    await raw(here.gateway, `GET http://example.com/v1/models HTTP/1.1\r\n${head}\r\n`),
    await raw(here.gateway, `${post}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}`),
    await raw(here.gateway, `${post}X: a\r\n b\r\n\r\n`),
  ];
  const codes = lines.map((line) => line.split(" ")[1]);
  assert.deepEqual(codes, ["413", "404", "404", "400", "400"], lines.join("\n"));
  assert.equal(here.provider.requests.length, 0);
});

Deno.test("the gateway follows no redirect, and keeps the key out of what a provider says", async () => {
  await using here = scene();
  await using elsewhere = new FakeProvider();
  here.provider.answer = () => Response.redirect(`${elsewhere.url}/v1/messages`, 307);
  const redirected = await here.ask();
  assert.equal(redirected.status, 502);
  assert.match(await redirected.text(), /redirects are not followed/);
  assert.equal(elsewhere.requests.length, 0);
  here.provider.answer = ({ headers }) =>
    Response.json({ error: `Incorrect API key: ${headers.get("x-api-key")}` }, {
      status: 401,
      headers: {
        "x-echo": headers.get("x-api-key") ?? "",
        "retry-after": "3",
        "set-cookie": "a=b",
      },
    });
  const refused = await here.ask();
  assert.equal(refused.status, 401);
  assert.equal(await refused.text(), '{"error":"Incorrect API key: [key]"}');
  assert.deepEqual(["x-echo", "set-cookie"].map((name) => refused.headers.get(name)), [null, null]);
  assert.equal(refused.headers.get("retry-after"), "3");
});

Deno.test("the gateway says so when a provider cannot be reached, or does not answer", async () => {
  await using gone = new FakeProvider();
  const upstream = gone.upstream();
  await gone[Symbol.asyncDispose]();
  await using without = scene({ upstreams: [upstream] });
  const response = await without.ask();
  assert.equal(response.status, 502);
  assert.ok(!(await response.text()).includes(PROVIDER_KEY));

  await using slow = scene({ idleMs: 50 });
  const { promise, resolve } = Promise.withResolvers<void>();
  slow.provider.answer = () => promise.then(() => messageAnswer());
  const silent = await slow.ask();
  assert.equal(silent.status, 502);
  assert.match(await silent.text(), /did not answer for 0.05 s/);
  resolve();
});

/** An answer that begins and does not end, and whether its end was asked for. */
function endless() {
  const state = { cancelled: false };
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode('data: {"a":1}\n\n')),
    cancel: () => {
      state.cancelled = true;
    },
  });
  return {
    state,
    response: () => new Response(body, { headers: { "content-type": "text/event-stream" } }),
  };
}

Deno.test("the gateway passes pieces on as they come, and ends at the provider what nobody reads", async () => {
  await using here = scene();
  const { state, response } = endless();
  here.provider.answer = response;
  const stream = await here.ask();
  const reader = stream.body?.getReader();
  const { value } = await reader?.read() ?? {};
  assert.equal(new TextDecoder().decode(value), 'data: {"a":1}\n\n');
  await reader?.cancel();
  await until(() => state.cancelled, { message: "the provider's stream to be cancelled" });
  assert.equal(here.pass.usage, undefined);
  assert.equal(here.pass.unknownRequests, 1);
});

Deno.test("the gateway ends a request whose client leaves before there is an answer", async () => {
  await using here = scene();
  const hold = Promise.withResolvers<void>();
  let left = false;
  here.provider.answer = async ({ signal }) => {
    signal.addEventListener("abort", () => left = true);
    await hold.promise;
    return messageAnswer();
  };
  const client = new AbortController();
  const asked = here.ask({ signal: client.signal });
  await until(() => here.provider.requests.length === 1, { message: "the provider to be asked" });
  client.abort();
  await assert.rejects(asked);
  await until(() => left, { message: "the provider's request to end" });
  assert.equal(here.pass.unknownRequests, 1);
  hold.resolve();
});

Deno.test("the gateway ends what is under way when its pass is revoked", async () => {
  await using here = scene();
  const { state, response } = endless();
  here.provider.answer = response;
  const stream = await here.ask();
  here.pass[Symbol.dispose]();
  await assert.rejects(stream.text());
  await until(() => state.cancelled, { message: "the provider's stream to be cancelled" });
});

Deno.test("the gateway ends a stream that says nothing more", async () => {
  await using here = scene({ idleMs: 50 });
  const { state, response } = endless();
  here.provider.answer = response;
  await assert.rejects((await here.ask()).text());
  await until(() => state.cancelled, { message: "the provider's stream to be cancelled" });
});

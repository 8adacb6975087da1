import assert from "node:assert/strict";
import { freePort } from "../tests/support/mod.ts";
import { checkHealth } from "./health_check.ts";

/** A server on all addresses that answers `GET /health` like this. */
function answering(response: () => Response | Promise<Response>): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "0.0.0.0", port: 0, onListen: () => {} }, (request) => {
    return new URL(request.url).pathname === "/health"
      ? response()
      : new Response(null, { status: 404 });
  });
}

for (const host of ["127.0.0.1", "localhost", "0.0.0.0"]) {
  Deno.test(`a relay that listens on ${host} and answers 200 is healthy`, async () => {
    await using server = answering(() => new Response('{"status":"healthy"}'));
    const health = await checkHealth({ host, port: server.addr.port });
    assert.deepEqual(health, { kind: "healthy", body: '{"status":"healthy"}' });
  });
}

Deno.test("a relay that answers 503 is unhealthy, and its answer is the reason", async () => {
  await using server = answering(() => new Response("no NATS", { status: 503 }));
  const { port } = server.addr;
  assert.deepEqual(await checkHealth({ host: "0.0.0.0", port }), {
    kind: "unhealthy",
    reason: `http://127.0.0.1:${port}/health answered 503: no NATS`,
  });
});

Deno.test("a relay that nobody can reach is unhealthy", async () => {
  const port = freePort();
  const health = await checkHealth({ host: "::", port });
  assert.equal(health.kind, "unhealthy");
  assert.match(health.kind === "unhealthy" ? health.reason : "", /^http:\/\/\[::1\]:\d+\/health /);
});

Deno.test("a relay that accepts a connection and says nothing is unhealthy", async () => {
  const silent = Promise.withResolvers<Response>();
  await using server = answering(() => silent.promise);
  const { port } = server.addr;
  const health = await checkHealth({ host: "127.0.0.1", port }, { timeoutMs: 50 });
  assert.equal(health.kind, "unhealthy");
  silent.resolve(new Response());
});

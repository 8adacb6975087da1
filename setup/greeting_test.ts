import assert from "node:assert/strict";
import { natsGreeting } from "./greeting.ts";

/** Listens and sends the parts to a client that connects, then closes, unless told to stay silent. */
async function greetingOf(parts: readonly string[]): Promise<unknown> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    using connection = await listener.accept();
    for (const part of parts) await connection.write(new TextEncoder().encode(part));
  })();
  const greeting = await natsGreeting(listener.addr.port);
  await serving;
  return greeting;
}

Deno.test("natsGreeting reads a greeting that comes in parts", async () => {
  const greeting = await greetingOf([
    "INFO {",
    `"server_name":"x","version":"2.14.5"} `,
    "\r\nPING",
  ]);
  assert.deepEqual(greeting, { server_name: "x", version: "2.14.5" });
});

Deno.test("natsGreeting is undefined for a server that does not greet as nats-server does", async () => {
  assert.equal(await greetingOf(["HTTP/1.1 400 Bad Request\r\n\r\n"]), undefined);
  assert.equal(await greetingOf(["INFO {not json}\r\n"]), undefined);
  assert.equal(await greetingOf([`INFO {"server_name":`]), undefined);
  assert.equal(await greetingOf([]), undefined);
});

Deno.test("natsGreeting gives up a silent listener with its signal", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ending = new AbortController();
  const greeting = natsGreeting(listener.addr.port, { signal: ending.signal });
  using _connection = await listener.accept();
  ending.abort();
  assert.equal(await greeting, undefined);
});

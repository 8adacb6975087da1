import assert from "node:assert/strict";
import { startProxy } from "./tcp_proxy.ts";
import { until } from "./until.ts";

/** Echoes what it is sent, until it is disposed of. */
function startEcho(): { readonly port: number } & AsyncDisposable {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const echo = async (connection: Deno.TcpConn) => {
    await connection.readable.pipeTo(connection.writable).catch(() => {});
  };
  const serving = (async () => {
    const all: Promise<void>[] = [];
    for await (const connection of listener) all.push(echo(connection));
    await Promise.all(all);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
    },
  };
}

async function exchange(connection: Deno.TcpConn, text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  await connection.write(bytes);
  const answer = new Uint8Array(bytes.length);
  for (let at = 0; at < answer.length;) {
    const length = await connection.read(answer.subarray(at));
    if (length === null) throw new Error("connection ended");
    at += length;
  }
  return new TextDecoder().decode(answer);
}

Deno.test("a proxy passes on, breaks what leads through it when cut, and heals", async () => {
  await using echo = startEcho();
  await using proxy = startProxy(echo.port);
  using first = await Deno.connect({ port: proxy.port });
  assert.equal(await exchange(first, "hello"), "hello");
  assert.equal(proxy.connections, 1);
  proxy.cut();
  await assert.rejects(exchange(first, "lost"));
  using refused = await Deno.connect({ port: proxy.port });
  await assert.rejects(exchange(refused, "lost"));
  proxy.heal();
  using second = await Deno.connect({ port: proxy.port });
  assert.equal(await exchange(second, "again"), "again");
});

Deno.test("a paused proxy holds up what is sent until it is healed", async () => {
  await using echo = startEcho();
  await using proxy = startProxy(echo.port);
  using connection = await Deno.connect({ port: proxy.port });
  assert.equal(await exchange(connection, "a"), "a");
  proxy.pause();
  let answered = false;
  const answer = exchange(connection, "b").finally(() => answered = true);
  await assert.rejects(until(() => answered, { timeoutMs: 100 }), { name: "UntilError" });
  proxy.heal();
  assert.equal(await answer, "b");
});

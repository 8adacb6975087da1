import assert from "node:assert/strict";
import { SYSTEM_PARTS } from "./system_parts.ts";

Deno.test("a nats-server that takes connections and says nothing is not healthy", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  const accepted = listener.accept();
  const [nats] = SYSTEM_PARTS;
  const health = await nats?.health({ port } as Parameters<typeof nats.health>[0]);
  assert.equal(health, undefined);
  (await accepted).close();
});

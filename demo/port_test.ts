import assert from "node:assert/strict";
import { freePort } from "../tests/support/mod.ts";
import { onFreePort, PortTakenError } from "./port.ts";

Deno.test("onFreePort uses the wanted port if nobody has it", async () => {
  const wanted = freePort();
  const tried: number[] = [];
  const port = await onFreePort(wanted, (port) => Promise.resolve(void tried.push(port)));
  assert.equal(port, wanted);
  assert.deepEqual(tried, [wanted]);
});

Deno.test("onFreePort does not try a port on which somebody listens", async () => {
  const wanted = freePort();
  using _listener = Deno.listen({ hostname: "127.0.0.1", port: wanted });
  const tried: number[] = [];
  const port = await onFreePort(wanted, (port) => Promise.resolve(void tried.push(port)));
  assert(port > wanted);
  assert.deepEqual(tried, [port]);
});

Deno.test("onFreePort goes on if somebody takes the port in the meantime", async () => {
  const wanted = freePort();
  const port = await onFreePort(wanted, (port) => {
    if (port === wanted) throw new PortTakenError(`${port}`);
    return Promise.resolve();
  });
  assert(port > wanted);
});

Deno.test("onFreePort hands on what else goes wrong", async () => {
  await assert.rejects(
    onFreePort(freePort(), () => Promise.reject(new RangeError("x"))),
    RangeError,
  );
});

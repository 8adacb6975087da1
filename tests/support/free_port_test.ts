import assert from "node:assert/strict";
import { freePort } from "./free_port.ts";
import { runProcess } from "./processes.ts";

Deno.test("a port is not chosen again while its user may not listen yet", () => {
  const ports = Array.from({ length: 49 }, freePort);
  assert.equal(new Set(ports).size, ports.length);
});

Deno.test("a port on which somebody listens is passed over", () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: freePort() });
  const ports = Array.from({ length: 60 }, freePort);
  assert.ok(!ports.includes((listener.addr as Deno.NetAddr).port));
});

Deno.test("files that run at the same time choose from blocks of their own", async () => {
  const blockOf = (port: number) => Math.floor(port / 50);
  const here = blockOf(freePort());
  // They look for a block from this file's on, which is one of 240 and begins at port 20000.
  const script = `
    Math.random = () => ${(here - 400 + 0.5) / 240};
    const { freePort } = await import(${JSON.stringify(import.meta.resolve("./free_port.ts"))});
    console.log(freePort());`;
  const others = await Promise.all(Array.from({ length: 4 }, async () => {
    const { stdout, stderr } = await runProcess(Deno.execPath(), ["eval", script]);
    assert.match(stdout, /^\d+\n$/, stderr);
    return blockOf(Number(stdout));
  }));
  assert.ok(!others.includes(here), `${here} is among ${others}`);
});

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type ProcessOutput, runProcess } from "../tests/support/processes.ts";
import { testMachine } from "./testing/machine.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function setup(args: string[], env: Record<string, string>): Promise<ProcessOutput> {
  return runProcess(Deno.execPath(), ["run", "-A", MAIN, ...args], { env });
}

Deno.test("deno task setup ends with version and path", async () => {
  await using machine = await testMachine();
  const path = await machine.natsServer("nats-server", "2.14.5");
  const { code, stdout } = await setup([], { NATS_SERVER: path });
  assert.equal(stdout, `nats-server 2.14.5: ${path}\n`);
  assert.equal(code, 0);
});

Deno.test("deno task setup fails with a sentence and without a stack trace", async () => {
  const { code, stdout, stderr } = await setup([], { NATS_SERVER: "/nowhere/nats-server" });
  assert.equal(stderr, `NATS_SERVER is "/nowhere/nats-server": there is no such file\n`);
  assert.equal(stdout, "");
  assert.equal(code, 1);
});

Deno.test("deno task setup knows no arguments but --help", async () => {
  assert.match((await setup(["--help"], {})).stdout, /^Finds a nats-server.*deno task setup/s);
  const { code, stderr } = await setup(["fast"], {});
  assert.match(stderr, /^Unknown argument "fast"\n/m);
  assert.equal(code, 2);
});

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type ProcessOutput, runProcess } from "../tests/support/processes.ts";
import { testMachine } from "./testing/machine.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));

function setup(args: string[], env: Record<string, string>): Promise<ProcessOutput> {
  return runProcess(Deno.execPath(), ["run", "-A", MAIN, ...args], { env });
}

Deno.test("deno task setup prints the path alone, and tells people what it is", async () => {
  await using machine = await testMachine();
  const path = await machine.natsServer("nats-server", "2.14.5");
  for (const args of [[], ["--version", "2.14"]]) {
    const { code, stdout, stderr } = await setup(args, { NATS_SERVER: path });
    assert.equal(stdout, `${path}\n`);
    assert.equal(stderr, `nats-server 2.14.5, named by NATS_SERVER: ${path}\n`);
    assert.equal(code, 0);
  }
});

Deno.test("deno task setup fails with a sentence and without a stack trace", async () => {
  const { code, stdout, stderr } = await setup([], { NATS_SERVER: "/nowhere/nats-server" });
  assert.equal(stderr, `NATS_SERVER is "/nowhere/nats-server": there is no such file\n`);
  assert.equal(stdout, "");
  assert.equal(code, 1);
});

Deno.test("deno task setup says what is wrong with its command line", async () => {
  assert.match((await setup(["--help"], {})).stdout, /^Finds a nats-server.*deno task setup/s);
  const cases: [string[], RegExp][] = [
    [["fast"], /^Unexpected argument 'fast'/],
    [["--version", "2.11"], /^--version is "2\.11": the oldest that works is 2\.12\.0\n/],
    [["--version", "2.99"], /^--version is "2\.99": no such release is known/],
  ];
  for (const [args, expected] of cases) {
    const { code, stderr } = await setup(args, {});
    assert.match(stderr, expected);
    assert.equal(code, 2);
  }
});

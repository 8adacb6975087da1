import assert from "node:assert/strict";
import { until } from "../tests/support/mod.ts";
import { Part } from "./part.ts";

function part(script: string): Part {
  const env = { PATH: Deno.env.get("PATH") ?? "" };
  return new Part("part", { command: "sh", args: ["-c", script], env });
}

Deno.test("Ctrl-C in the demo's terminal does not reach a part: it leads a group of its own", async () => {
  const sleeper = part("exec sleep 1000");
  Deno.kill(-sleeper.pid, "SIGINT");
  assert.equal((await sleeper.ended).signal, "SIGINT");
});

Deno.test("a part's log has what it wrote to both its outputs, and its end only if it is long", async () => {
  const writer = part("echo out; echo err >&2");
  await writer.ended;
  assert.deepEqual(writer.log.split("\n").sort(), ["", "err", "out"]);
  const talker = part(
    "i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo end",
  );
  await talker.ended;
  assert.equal(talker.log.length, 64 * 1024);
  assert(talker.log.endsWith("\nend\n"));
});

Deno.test("stop kills a part that does not end in time", async () => {
  const stubborn = part("trap '' TERM; echo ready; while :; do sleep 1; done");
  await until(() => stubborn.log.includes("ready"));
  await stubborn.stop(50);
  assert.equal(stubborn.status?.signal, "SIGKILL");
});

Deno.test("a part gets the environment that it is given, and no other", async () => {
  const shell = part("echo $HOME,$PATH");
  await shell.ended;
  assert.equal(shell.log, `,${Deno.env.get("PATH")}\n`);
});

import assert from "node:assert/strict";
import { isRunning, startProcess } from "../tests/support/mod.ts";
import { environmentOf, identify, isAlive, sendSignal } from "./process_identity.ts";

Deno.test("a process is known by its pid and the time of its start", async () => {
  await using sleep = startProcess("sleep", ["600"], { env: { OUROCODUS_TEST: "a=b" } });
  const identity = await identify(sleep.pid);
  assert(identity);
  assert.equal(await isAlive(identity), true);
  assert.deepEqual(await identify(sleep.pid), identity);
  assert.equal(await isAlive({ ...identity, started: "another time" }), false);
  if (Deno.build.os === "linux") assert.equal(environmentOf(sleep.pid)?.OUROCODUS_TEST, "a=b");
});

Deno.test("what has the pid of another process is not signalled", async () => {
  await using sleep = startProcess("sleep", ["600"]);
  const identity = await identify(sleep.pid);
  assert(identity);
  assert.equal(await sendSignal({ ...identity, started: "another time" }, "SIGKILL"), false);
  assert.equal(await isRunning(sleep.pid), true);
  assert.equal(await sendSignal(identity, "SIGKILL"), true);
  await sleep.status;
  assert.equal(await isAlive(identity), false);
  assert.equal(await sendSignal(identity, "SIGKILL"), false);
});

Deno.test("no pid of a process is nobody's", async () => {
  for (const pid of [0, -1, 1.5, NaN, 2 ** 40]) assert.equal(await identify(pid), undefined);
});

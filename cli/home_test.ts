import assert from "node:assert/strict";
import { isRunning, runProcess, until } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

Deno.test("a system ends whose home is moved, also if another is put in its place", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const pids = await Promise.all(
    ["supervisor", "nats-server", "relay"].map((name) => system.pid(name)),
  );
  const { folder, lock, state } = system.home;
  await Deno.rename(folder, `${folder}.moved`);
  await Deno.mkdir(folder);
  for (const path of [lock, state]) await Deno.writeTextFile(path, "another's");
  for (const pid of pids) {
    await until(async () => !await isRunning(pid), { timeoutMs: 30_000, message: `end of ${pid}` });
  }
  assert.equal(await Deno.readTextFile(state), "another's");
});

Deno.test("a copy of a home is not the system that runs in the home", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const copy = `${system.home.folder}.copy`;
  await runProcess("cp", ["-a", system.home.folder, copy], { name: "cp" });
  const env = { OUROCODUS_HOME: copy };
  assert.match((await system.run(["status"], env)).stdout, /^Nothing runs/);
  assert.match(await system.ok(["stop"], env), /^Nothing runs/);
  const { code, stderr } = await system.run(["start", ...system.ports], env);
  assert.equal(code, 1);
  assert.match(stderr, /port \d+: it is in use/);
  assert.equal((await system.json(["status"])).healthy, true);
});

Deno.test("a state file that is emptied or removed is written again, and nothing is lost sight of", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const written = await system.state();
  await Deno.writeTextFile(system.home.state, "");
  await until(() => system.state().then(() => true, () => false), { timeoutMs: 10_000 });
  assert.deepEqual(await system.state(), written);
  await Deno.remove(system.home.state);
  await until(() => system.state().then(() => true, () => false), { timeoutMs: 10_000 });
  assert.match(await system.ok(["stop"]), /✓ nats-server stopped/);
});

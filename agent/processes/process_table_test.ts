import assert from "node:assert/strict";
import { isRunning, startProcess, until } from "../../tests/support/mod.ts";
import {
  environmentHas,
  readProcess,
  readProcesses,
  readPs,
  signalProcess,
} from "./process_table.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };

Deno.test("the table has this process, its parent and its children", async () => {
  await using sleep = startProcess("sleep", ["600"]);
  const table = readProcesses();
  assert.equal(table.get(Deno.pid)?.parent, Deno.ppid);
  assert.equal(table.get(sleep.pid)?.parent, Deno.pid);
  assert.deepEqual(readProcess(sleep.pid), table.get(sleep.pid));
});

Deno.test("ps tells the same as /proc", onLinux, async () => {
  await using sleep = startProcess("sleep", ["600"]);
  const { parent, group } = readProcess(sleep.pid) ?? {};
  for (const table of [readPs(), readPs(sleep.pid)]) {
    const row = table.get(sleep.pid);
    assert.deepEqual([row?.parent, row?.group], [parent, group]);
    assert(Math.abs((row?.started ?? 0) - Date.now()) < 60_000, `started ${row?.started}`);
  }
});

Deno.test("a name with parentheses, spaces and line breaks is read", onLinux, async () => {
  const folder = await Deno.makeTempDir();
  const name = "a) Z\n1 (b";
  await Deno.copyFile("/bin/sleep", `${folder}/${name}`);
  await using sleep = startProcess(`${folder}/${name}`, ["600"]);
  const row = readProcess(sleep.pid);
  assert.deepEqual([row?.name, row?.parent], [name, Deno.pid]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("what has ended is not in the table, though nobody has asked for its exit code", async () => {
  // `exec` keeps the child and never waits for it.
  await using parent = startProcess("sh", ["-c", "true & echo $!; exec sleep 600"]);
  const pid = Number(await parent.waitForLine(/^\d+$/));
  await until(() => readProcess(pid) === undefined, { message: "the child to end" });
  assert.equal(readProcesses().has(pid), false);
});

Deno.test("a pid that is another process's now is not signalled", async () => {
  await using sleep = startProcess("sleep", ["600"]);
  const { started = 0 } = readProcess(sleep.pid) ?? {};
  assert.equal(signalProcess({ pid: sleep.pid, started: started - 1 }, "SIGKILL"), "gone");
  assert.equal(await isRunning(sleep.pid), true);
  assert.equal(signalProcess({ pid: sleep.pid, started }, "SIGKILL"), "sent");
  await sleep.status;
  assert.equal(signalProcess({ pid: sleep.pid, started }, "SIGKILL"), "gone");
});

Deno.test("of an environment whole entries count, whatever else is in it", onLinux, async () => {
  const script = `exec env -i A=1 B="X=Y\nC=3" "$(printf 'D=\\377')" EMPTY= /bin/sleep 600`;
  await using sleep = startProcess("sh", ["-c", script]);
  const has = (...entries: string[]) => environmentHas(sleep.pid, entries);
  await until(() => has("EMPTY="), { message: "sleep to begin" });
  assert.deepEqual([has("A=1"), has("no", "A=1"), has("EMPTY=")], [true, true, true]);
  for (const entry of ["A=", "A=11", "=1", "X=Y", "C=3", "A"]) {
    assert.equal(has(entry), false, entry);
  }
  assert.equal(environmentHas(2 ** 30, ["A=1"]), false);
  await using empty = startProcess("env", ["-i", "/bin/sleep", "600"]);
  await until(() => environmentHas(empty.pid, ["A=1"]) === undefined, {
    message: "sleep to begin",
  });
});

import assert from "node:assert/strict";
import { isRunning, startProcess, type TestProcess, until } from "../../tests/support/mod.ts";
import { systemClock } from "../clock.ts";
import { ToldPids } from "../testing/told_pids.ts";
import { endMarked } from "./end_processes.ts";
import { Keeper } from "./keeper.ts";
import { markedProcesses } from "./lineage.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };
const PROGRAM = new URL("../testing/kept_program.ts", import.meta.url).pathname;
const DAEMON = 'echo $$ >"$PIDS/daemon"; exec sleep 600 >/dev/null 2>&1 </dev/null';

function startKept(mark: string, script: string, pids: ToldPids, killAfterMs = 100): TestProcess {
  const args = ["run", "-A", PROGRAM, mark, String(killAfterMs), script];
  return startProcess(Deno.execPath(), args, { env: pids.env });
}

async function keeperOf(program: TestProcess): Promise<number> {
  return Number((await program.waitForLine(/^keeper \d+$/)).split(" ")[1]);
}

async function ends(pid: number): Promise<void> {
  await until(async () => !await isRunning(pid), { message: `the end of ${pid}` });
}

for (
  const [what, script] of [
    ["a session of its own", `setsid sh -c '${DAEMON}' & wait`],
    ["a session, while its parent has ended", `setsid sh -c '${DAEMON}' &`],
    ["a process group", `set -m; sh -c '${DAEMON}' & wait`],
    ["an empty environment", `env -i PIDS="$PIDS" sh -c '${DAEMON}' & wait`],
    ["no ear for SIGTERM", `trap '' TERM; setsid sh -c '${DAEMON}' & wait`],
  ] as const
) {
  Deno.test(`kill -9 of an agent ends what has ${what}`, onLinux, async () => {
    await using pids = new ToldPids();
    await using program = startKept(crypto.randomUUID(), script, pids);
    const daemon = await pids.pid("daemon");
    const keeper = await keeperOf(program);
    await program.kill();
    await ends(daemon);
    await ends(keeper);
  });
}

Deno.test("what was seen before it left session and mark is ended, too", onLinux, async () => {
  await using pids = new ToldPids();
  const daemon = `setsid env -i PIDS="$PIDS" sh -c '${DAEMON}' & until [ -e "$PIDS/go" ]; do ` +
    "sleep 0.01; done";
  const mark = crypto.randomUUID();
  await using program = startKept(mark, `(${daemon}) & wait; echo left`, pids);
  const pid = await pids.pid("daemon");
  const looks = () => program.lines.filter((line) => line === "looked").length;
  const before = looks();
  // The look that is under way may not have seen it.
  await until(() => looks() >= before + 2, { message: "the keeper's looks" });
  await Deno.writeTextFile(`${pids.folder}/go`, "");
  await program.waitForLine("left");
  assert.deepEqual([markedProcesses([mark]), await isRunning(pid)], [[], true]);
  await program.kill();
  await ends(pid);
});

Deno.test(
  "a keeper that is killed is replaced, and its successor knows everything",
  onLinux,
  async () => {
    await using pids = new ToldPids();
    await using program = startKept(crypto.randomUUID(), `setsid sh -c '${DAEMON}' &`, pids);
    const daemon = await pids.pid("daemon");
    const keeper = await keeperOf(program);
    Deno.kill(keeper, "SIGKILL");
    const successor = await until(() => {
      return keepers(program.pid).find((pid) => pid !== keeper);
    }, { message: "a new keeper" });
    assert.equal(await isRunning(daemon), true);
    await program.kill();
    await ends(daemon);
    await ends(successor);
  },
);

Deno.test(
  "agent and keeper killed at once: the mark still finds what is left",
  onLinux,
  async () => {
    await using pids = new ToldPids();
    const mark = crypto.randomUUID();
    await using program = startKept(mark, `setsid sh -c '${DAEMON}' & wait`, pids);
    const daemon = await pids.pid("daemon");
    const keeper = await keeperOf(program);
    program.send("SIGSTOP");
    Deno.kill(keeper, "SIGKILL");
    await program.kill();
    assert.equal(await isRunning(daemon), true);
    await endMarked([mark], { graceMs: 1_000, clock: systemClock });
    assert.equal(await isRunning(daemon), false);
  },
);

Deno.test(
  "a keeper ends nothing that was removed, and nothing when it is dismissed",
  onLinux,
  async () => {
    await using sleep = startProcess("sleep", ["600"], { env: { OUROCODUS_MARK: "m-1" } });
    const keeper = new Keeper(0);
    const { pid = 0 } = keeper;
    assert.equal(await isRunning(pid), true);
    await keeper.add("m-1");
    keeper.remove("m-1");
    keeper.remove("m-2");
    await keeper.add("m-1");
    await assert.rejects(keeper.add("m 1\n"), /"m 1\\n" is no mark/);
    await keeper[Symbol.asyncDispose]();
    await keeper[Symbol.asyncDispose]();
    assert.deepEqual([await isRunning(pid), await isRunning(sleep.pid)], [false, true]);
  },
);

/** The keepers that are children of a process. */
function keepers(parent: number): number[] {
  const { stdout } = new Deno.Command("ps", {
    args: ["-o", "pid=,args=", "--ppid", String(parent)],
  }).outputSync();
  const lines = new TextDecoder().decode(stdout).split("\n");
  return lines.filter((line) => line.includes("ourocodus-keeper")).map((line) => parseInt(line));
}

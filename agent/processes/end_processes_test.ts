import assert from "node:assert/strict";
import { isRunning, startProcess, until } from "../../tests/support/mod.ts";
import { systemClock } from "../clock.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { ToldPids } from "../testing/told_pids.ts";
import { endMarked, endProcesses } from "./end_processes.ts";
import { markedProcesses } from "./lineage.ts";
import { MarkedProcess } from "./marked_process.ts";
import { readProcess, signalProcess } from "./process_table.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };
const DAEMON = 'echo $$ >"$PIDS/daemon"; exec sleep 600 >/dev/null 2>&1 </dev/null';

function start(script: string, pids: ToldPids, mark?: string): MarkedProcess {
  return new MarkedProcess("/bin/sh", {
    args: ["-c", script],
    env: pids.env,
    cwd: "/",
    clock: systemClock,
    hasInput: false,
    mark,
  });
}

async function close(program: MarkedProcess): Promise<void> {
  await program.stdout.cancel();
  await program.stderr.cancel();
  await program.status;
}

for (
  const [what, script] of [
    ["makes itself a session", `setsid sh -c '${DAEMON}' &`],
    ["is a daemon, twice forked", `(nohup setsid sh -c '(${DAEMON}) & exit' &) & wait`],
    ["makes itself a process group", `set -m; sh -c '${DAEMON}' & wait`],
    ["has emptied its environment", `env -i PIDS="$PIDS" sh -c '${DAEMON}' & wait`],
  ] as const
) {
  Deno.test(`what ${what} is ended with the program that started it`, onLinux, async () => {
    await using pids = new ToldPids();
    const program = start(script, pids);
    const daemon = await pids.pid("daemon");
    await program.end(5_000);
    assert.equal(await isRunning(daemon), false);
    assert.deepEqual(program.left(), []);
    await close(program);
  });

  Deno.test(`what ${what} is ended after the program`, onLinux, async () => {
    await using pids = new ToldPids();
    const program = start(script.replace("& wait", "&"), pids);
    const daemon = await pids.pid("daemon");
    await program.status;
    await program.end(5_000);
    assert.equal(await isRunning(daemon), false);
    await close(program);
  });
}

Deno.test(
  "marks find what is left of programs that this process does not know",
  onLinux,
  async () => {
    await using pids = new ToldPids();
    const [mark, other] = [crypto.randomUUID(), crypto.randomUUID()];
    const program = start(`setsid sh -c '${DAEMON}' & wait`, pids, mark);
    const daemon = await pids.pid("daemon");
    assert.deepEqual(markedProcesses([mark]).toSorted(), [program.pid, daemon].toSorted());
    assert.deepEqual(markedProcesses([other]), []);
    assert.deepEqual(markedProcesses([]), []);
    assert.deepEqual(await endMarked([other], { graceMs: 0, clock: systemClock }), []);
    assert.equal(await isRunning(daemon), true);
    const ended = await endMarked([other, mark], { graceMs: 5_000, clock: systemClock });
    assert.deepEqual(ended.toSorted(), [program.pid, daemon].toSorted());
    assert.equal(await isRunning(daemon), false);
    await close(program);
  },
);

Deno.test("what forks while it is being ended is ended with what it forks", onLinux, async () => {
  await using pids = new ToldPids();
  const file = `${pids.folder}/hop`;
  // Each makes a session, starts the next and ends; and none of them heeds SIGTERM.
  const hop = `#!/bin/sh\ntrap '' TERM\necho $$ >"$PIDS/hopper"\nsetsid "$0" >/dev/null 2>&1 &\n`;
  await Deno.writeTextFile(file, hop, { mode: 0o755 });
  const mark = crypto.randomUUID();
  const program = start(`setsid "$PIDS/hop" & wait`, pids, mark);
  await pids.pid("hopper");
  await program.status;
  await program.end(50);
  assert.deepEqual(markedProcesses([mark]), []);
  await close(program);
});

Deno.test(
  "what ignores SIGTERM is killed after the grace, the rest is let end",
  onLinux,
  async () => {
    await using pids = new ToldPids();
    const stubborn = 'trap "" TERM; echo $$ >"$PIDS/stubborn"; while :; do sleep 1; done';
    const polite =
      'trap "echo bye; exit 0" TERM; echo $$ >"$PIDS/polite"; while :; do sleep 0.01; done';
    const program = start(`setsid sh -c '${stubborn}' >/dev/null 2>&1 & ${polite}`, pids);
    const [one, other] = [await pids.pid("stubborn"), await pids.pid("polite")];
    await program.end(200);
    assert.equal(await new Response(program.stdout).text(), "bye\n");
    assert.equal((await program.status).code, 0);
    for (const pid of [one, other]) assert.equal(await isRunning(pid), false);
    await program.stderr.cancel();
  },
);

Deno.test("what its parent does not ask for its exit code holds nothing up", onLinux, async () => {
  await using parent = startProcess("sh", ["-c", "sleep 600 & echo $!; exec sleep 601"]);
  const pid = Number(await parent.waitForLine(/^\d+$/));
  const row = await until(() => readProcess(pid));
  const find = () => [readProcess(pid) ?? []].flat();
  assert.deepEqual(await endProcesses(find, { graceMs: 60_000, clock: systemClock }), [pid]);
  assert.equal(signalProcess(row, "SIGTERM"), "gone");
});

Deno.test("what the system does not end is given up after a while", async () => {
  const clock = new FakeClock();
  // Nothing has this pid, so nothing ends.
  const row = { pid: 2 ** 30, started: 1, parent: 1, group: 1, session: 1, name: "" };
  let ended: number[] | undefined;
  void endProcesses(() => [row], { graceMs: 1_000, clock }).then((pids) => ended = pids);
  for (let waited = 0; waited < 2_900; waited += 100) await clock.advance(100);
  assert.equal(ended, undefined);
  for (let waited = 0; waited < 500; waited += 100) await clock.advance(100);
  assert.deepEqual([ended, clock.pending], [[], 0]);
});

Deno.test("without file descriptors to look with, it looks again; other errors are told", async () => {
  const clock = new FakeClock();
  const answers = [Object.assign(new Error("too many open files"), { code: "EMFILE" }), undefined];
  const find = () => {
    const error = answers.shift();
    if (error !== undefined) throw error;
    return [];
  };
  const ending = endProcesses(find, { graceMs: 1_000, clock });
  await clock.advance(100);
  assert.deepEqual([await ending, answers.length], [[], 0]);
  const broken = () => {
    throw new Error("broken");
  };
  await assert.rejects(endProcesses(broken, { graceMs: 0, clock }), /broken/);
});

Deno.test(
  "this process and its parents are never ended, whatever their environment",
  onLinux,
  async () => {
    const own = `import { endMarked } from "${new URL("mod.ts", import.meta.url)}";
    import { systemClock } from "${new URL("../clock.ts", import.meta.url)}";
    const sleep = new Deno.Command("sleep", { args: ["600"] }).spawn();
    const ended = await endMarked(["m-own"], { graceMs: 5000, clock: systemClock });
    console.log(ended.length === 1 && ended[0] === sleep.pid);
    await sleep.status;`;
    const file = await Deno.makeTempFile({ suffix: ".ts" });
    await Deno.writeTextFile(file, own);
    const args = ["-c", '"$@"; echo alive', "sh", Deno.execPath(), "run", "-A", file];
    const shell = startProcess("sh", args, { env: { OUROCODUS_MARK: "m-own" } });
    await shell.status;
    assert.equal(shell.stdout, "true\nalive\n");
    await Deno.remove(file);
  },
);

/** How commands end, and what they have started. */
import assert from "node:assert/strict";
import { isRunning, startProcess, until } from "../../tests/support/mod.ts";
import { doWork, errorOf, inFolder, resultOf, runShell } from "../testing/exec_work.ts";
import { systemClock } from "../clock.ts";
import { FakeClock } from "../testing/fake_clock.ts";
import { ToldPids } from "../testing/told_pids.ts";
import { ExecAgent } from "./exec_agent.ts";

const onLinux = { ignore: Deno.build.os !== "linux" };
const PATH = Deno.env.get("PATH") ?? "";

Deno.test("a command that takes too long is ended, with all that it has started", async () => {
  const script = "sleep 1000 & echo $!; (sleep 1000 & echo $!; wait) & echo $!; echo $$; wait";
  const error = errorOf(await runShell(script, undefined, { timeoutMs: 300 }));
  assert.equal(error.code, "timeout");
  assert.equal(error.message, "sh took longer than 0.3 s and was ended");
  assert.deepEqual([error.timeout_ms, error.signal], [300, "SIGTERM"]);
  const pids = String(error.output).trim().split("\n").map(Number);
  assert.equal(pids.length, 4);
  for (const pid of pids) assert.equal(await isRunning(pid), false);
});

Deno.test("what ignores SIGTERM is killed, a grandchild too", async () => {
  // By itself it would end before SIGKILL comes by default.
  const script = "trap '' TERM; echo $$; (sleep 2; sleep 2) & echo $!; wait";
  const error = errorOf(await runShell(script, undefined, { timeoutMs: 200, killAfterMs: 100 }));
  assert.deepEqual([error.code, error.signal], ["timeout", "SIGKILL"]);
  for (const pid of String(error.output).trim().split("\n")) {
    assert.equal(await isRunning(Number(pid)), false);
  }
});

Deno.test("what ends well on SIGTERM may say so, but its time was over", async () => {
  const script =
    "trap 'sleep 0.2; echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done";
  const error = errorOf(await runShell(script, undefined, { timeoutMs: 300 }));
  assert.deepEqual([error.code, error.exit_code, error.output], ["timeout", 0, "ready\nbye\n"]);
});

Deno.test("what a command leaves behind does not hold its result up, and is ended", async () => {
  const script = "(trap '' TERM; while :; do sleep 1; done) & echo $!";
  const held = resultOf(await runShell(script, undefined, { killAfterMs: 50 }));
  assert.equal(await isRunning(Number(held.output)), false);
  const silent = resultOf(await runShell("sleep 1000 >/dev/null 2>&1 & echo $!"));
  assert.equal(await isRunning(Number(silent.output)), false);
});

Deno.test("what a command has left behind may still say something for a moment", async () => {
  const late = "while kill -0 $$ 2>/dev/null; do sleep 0.01; done; echo late";
  const clock = {
    ...systemClock,
    after: (ms: number, run: () => void) => systemClock.after(20 * ms, run),
  };
  const { output } = resultOf(await runShell(`(${late}) & echo early`, undefined, { clock }));
  assert.equal(output, "early\nlate\n");
});

Deno.test("a command that has ended is timed, and no timer is left that would end its group", async () => {
  await inFolder(async (folder) => {
    const clock = new FakeClock();
    await clock.advance(1_000);
    const { result } = await runShell(
      "echo begun >&2; until [ -e go ]; do sleep 0.01; done",
      undefined,
      {
        clock,
        cwd: folder,
        timeoutMs: 60_000,
        onProgress: async () => {
          await clock.advance(2_500);
          await Deno.writeTextFile(`${folder}/go`, "");
        },
      },
    );
    const { duration_ms } = result as Record<string, unknown>;
    assert.deepEqual([duration_ms, clock.pending], [2_500, 0]);
  });
});

Deno.test({
  name: "what has ended, and whose parent does not ask for its exit code, holds nothing up",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await inFolder(async (folder) => {
      // Its parent leaves the group, and is not ended with it.
      const parent = "exec setsid sh -c ': >started; exec sleep 1000 >/dev/null 2>&1'";
      const script = `(true & ${parent}) & echo $!; until [ -e started ]; do sleep 0.01; done`;
      let result: Record<string, unknown> | undefined;
      runShell(script, undefined, { cwd: folder, killAfterMs: 600_000 })
        .then((done) => result = resultOf(done));
      const { output } = await until(() => result);
      Deno.kill(Number(output), "SIGKILL");
    });
  },
});

for (
  const [what, begun] of [
    ["makes a session of its own", "setsid sh -c"],
    ["is twice forked", "nohup setsid sh -c"],
    ["has no environment", 'setsid env -i PIDS="$PIDS" sh -c'],
  ] as const
) {
  const daemon = `'echo $$ >"$PIDS/daemon"; exec sleep 1000 >/dev/null 2>&1'`;

  Deno.test(`what ${what} is ended when its work ends`, onLinux, async () => {
    await using pids = new ToldPids();
    const wait = 'until [ -s "$PIDS/daemon" ]; do sleep 0.01; done';
    // What has no environment is known by its parent alone, so that lives longer.
    const parent = begun.includes("env -i")
      ? `(${begun} ${daemon}; wait) &`
      : `(${begun} ${daemon} &);`;
    assert.equal(
      resultOf(await runShell(`${parent} ${wait}`, undefined, { env: pids.env })).output,
      "",
    );
    assert.equal(await isRunning(await pids.pid("daemon")), false);
  });

  Deno.test(`what ${what} is ended when its work is cancelled`, onLinux, async () => {
    await using pids = new ToldPids();
    const stop = new AbortController();
    const options = { env: pids.env, signal: stop.signal };
    const done = runShell(`${begun} ${daemon} & wait`, undefined, options);
    const pid = await pids.pid("daemon");
    stop.abort(new Error("cancelled"));
    assert.match(String((await done).error), /cancelled/);
    assert.equal(await isRunning(pid), false);
  });
}

Deno.test("what an earlier attempt has left is ended before the next begins", onLinux, async () => {
  const key = `1.${crypto.randomUUID()}`;
  const env = { OUROCODUS_WORK_KEY: key };
  await using left = startProcess("sh", ["-c", "setsid sleep 1000 & echo $!; wait"], { env });
  await using other = startProcess("sleep", ["1000"], { env: { OUROCODUS_WORK_KEY: `${key}0` } });
  const pid = Number(await left.waitForLine(/^\d+$/));
  const state = `$(sed 's/.*) //' /proc/${pid}/stat 2>/dev/null)`;
  const script = `case ${state} in [!ZX]*) echo there ;; *) echo gone ;; esac`;
  const run = async (attempt: number) => {
    return resultOf(await runShell(script, undefined, { key, attempt })).output;
  };
  assert.equal(await run(1), "there\n");
  assert.equal(await run(2), "gone\n");
  assert.equal(await isRunning(other.pid), true);
});

Deno.test("work that is cancelled has its command ended, and is not answered", async () => {
  const stop = new AbortController();
  const reason = new Error("cancelled");
  let pid = 0;
  const done = await runShell("echo $$ >&2; sleep 1000", undefined, {
    signal: stop.signal,
    onProgress: (told) => {
      pid = Number((told as { message: string }).message);
      stop.abort(reason);
    },
  });
  assert.equal(done.error, reason);
  assert.equal(await isRunning(pid), false);
  const before = await runShell("sleep 1000", undefined, { signal: AbortSignal.abort(reason) });
  assert.equal(before.error, reason);
});

Deno.test("disposing of an agent waits until what it is ending has ended", async () => {
  const stop = new AbortController();
  const agent = new ExecAgent({
    command: ["sh", "-c", "trap '' TERM; echo $$ >&2; sleep 1000"],
    env: { PATH },
    killAfterMs: 200,
  });
  let pid = 0;
  const onProgress = (told: unknown) => pid = Number((told as { message: string }).message);
  const work = doWork(agent, { message: "" }, { signal: stop.signal, onProgress });
  await until(() => pid > 0);
  stop.abort();
  await agent[Symbol.asyncDispose]();
  assert.equal(await isRunning(pid), false);
  await work;
});

Deno.test("kill ends everything at once", async () => {
  const pids: number[] = [];
  await using agent = new ExecAgent({
    command: ["sh", "-c", "trap '' TERM; echo $$ >&2; sleep 1000"],
    env: { PATH },
  });
  const onProgress = (told: unknown) => pids.push(Number((told as { message: string }).message));
  const works = [1, 2].map(() => doWork(agent, { message: "" }, { onProgress }));
  await until(() => pids.length === 2);
  agent.kill();
  for (const done of await Promise.all(works)) assert.equal(errorOf(done).signal, "SIGKILL");
});

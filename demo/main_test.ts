import assert from "node:assert/strict";
import {
  childrenOf,
  isRunning,
  ROOT,
  runProcess,
  startProcess,
  type TestProcess,
  until,
} from "../tests/support/mod.ts";

const RUNS = /^All of it runs until you press Ctrl-C\.$/;

/** Starting four programs may take long on a busy machine, in milliseconds. */
const PATIENCE = { timeoutMs: 60_000 };

/** A demo in a process of its own, with a folder of its own for temporary files. */
interface Running extends AsyncDisposable {
  readonly demo: TestProcess;
  /** The demo's parts and its keeper. */
  children(): Promise<number[]>;
  /** Waits until none of the processes runs and no temporary file is left. */
  nothingIsLeft(pids: readonly number[]): Promise<void>;
}

/** What is on standard error but for what the command line says there of the work it sends. */
function complaints(stderr: string): string {
  return stderr.replaceAll(/^✓ (?:work_\w+ stored: |result after ).*\n/gm, "");
}

async function startDemo(args: readonly string[] = []): Promise<Running> {
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-main-" });
  const demo = startProcess(Deno.execPath(), ["run", "-A", `${ROOT}/demo/main.ts`, ...args], {
    name: "demo",
    env: { TMPDIR: folder },
  });
  return {
    demo,
    children: () => childrenOf(demo.pid),
    nothingIsLeft: async (pids) => {
      for (const pid of pids) {
        await until(async () => !await isRunning(pid), { message: `the end of process ${pid}` });
      }
      const files = async () => await Array.fromAsync(Deno.readDir(folder));
      await until(async () => (await files()).length === 0, { message: "the store to be removed" });
    },
    [Symbol.asyncDispose]: async () => {
      await demo[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

Deno.test("the demo shows work and its result, once, and leaves nothing behind", async () => {
  await using running = await startDemo(["--once"]);
  const { demo } = running;
  const children: number[] = [];
  await until(async () => {
    for (const pid of await running.children()) if (!children.includes(pid)) children.push(pid);
    return demo.ended;
  }, PATIENCE);
  assert.equal(demo.ended?.code, 0, demo.failure("failed").message);
  const lines = demo.stdout.split("\n");
  const position = (pattern: RegExp): number => {
    const index = lines.findIndex((line) => pattern.test(line));
    assert(index >= 0, `${pattern} is missing in:\n${demo.stdout}`);
    return index;
  };
  const positions = [
    position(/^ {2}nats-server \d+\.\d+\.\d+ +nats:\/\/127\.0\.0\.1:\d+/),
    position(/^ {2}relay +ws:\/\/127\.0\.0\.1:\d+/),
    position(/^ {2}echo agent /),
    position(/deno task cli send work --session demo --role echo --message hello --wait$/),
    position(/"message": "hello"/),
    position(/^That took \d+\.\d\d s/),
    position(/deno task cli tail results --session demo/),
    position(/^Stopped echo agent, api, relay, nats-server; nothing is left running$/),
  ];
  assert.deepEqual(positions, positions.toSorted((a, b) => a - b));
  assert.match(demo.stderr, /^✓ work_\w+ stored: .*\n✓ result after .*\n$/);
  // nats-server, relay, agent and keeper at least.
  assert(children.length >= 4, `${children}`);
  await running.nothingIsLeft(children);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test(`${signal} ends the demo that has shown its result with 0, and all of it`, async () => {
    await using running = await startDemo();
    await running.demo.waitForLine(RUNS, PATIENCE);
    const children = await running.children();
    // nats-server, relay, API, agent and keeper.
    assert.equal(children.length, 5);
    for (const pid of children) assert.equal(await isRunning(pid), true);
    const { code } = await running.demo.stop({ signal });
    assert.equal(code, 0);
    assert.equal(complaints(running.demo.stderr), "");
    await running.nothingIsLeft(children);
  });
}

Deno.test("a signal before the result ends the demo with the code that tells so", async () => {
  await using running = await startDemo();
  await running.demo.waitForLine(/^ {2}nats-server/, PATIENCE);
  const children = await running.children();
  assert(children.length >= 2);
  const { code } = await running.demo.stop({ signal: "SIGINT" });
  // On a busy machine the result may be faster than the signal.
  const shown = running.demo.lines.some((line) => RUNS.test(line));
  assert.equal(code, shown ? 0 : 130);
  assert.equal(complaints(running.demo.stderr), "");
  await running.nothingIsLeft(children);
});

Deno.test("the demo ends with 1 when one of its parts dies, and says which", async () => {
  await using running = await startDemo();
  await running.demo.waitForLine(RUNS, PATIENCE);
  const children = await running.children();
  const relay = await childWith("relay/main.ts", children);
  Deno.kill(relay, "SIGKILL");
  const { code } = await running.demo.status;
  assert.equal(code, 1);
  assert.match(
    complaints(running.demo.stderr),
    /^\nrelay ended by SIGKILL\. The end of its log:\n {2}\S/,
  );
  await running.nothingIsLeft(children);
});

Deno.test("a part that does not end is killed when the user is in a hurry", async () => {
  await using running = await startDemo();
  await running.demo.waitForLine(RUNS, PATIENCE);
  const children = await running.children();
  Deno.kill(await childWith("relay/main.ts", children), "SIGSTOP");
  await running.demo.insist("SIGINT");
  await running.nothingIsLeft(children);
});

Deno.test("nothing is left of a demo that was killed", async () => {
  await using running = await startDemo();
  await running.demo.waitForLine(RUNS, PATIENCE);
  const children = await running.children();
  await running.demo.kill();
  await running.nothingIsLeft(children);
});

Deno.test("the demo ends well although nobody reads what it says", async () => {
  const command = `{ "$0" run -A "$1" --once; echo "code $?" >&2; } | head -n 3`;
  const args = ["-c", command, Deno.execPath(), `${ROOT}/demo/main.ts`];
  const { stderr, stdout } = await runProcess("sh", args);
  assert.match(stdout, /^nats-server [^\n]*\n\n {2}nats-server [^\n]*\n$/);
  assert.equal(complaints(stderr), "code 0\n");
});

Deno.test("the demo says what it does not understand", async () => {
  const run = (...args: string[]) =>
    runProcess(Deno.execPath(), ["run", "-A", `${ROOT}/demo/main.ts`, ...args]);
  const unknown = await run("--twice");
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^Unknown argument "--twice"\n\nStarts nats-server/);
  const help = await run("--help");
  assert.equal(help.code, 0);
  assert.match(help.stdout, /^Usage: deno task demo \[--once\]$/m);
});

/** Which of the processes runs a script. */
async function childWith(script: string, pids: readonly number[]): Promise<number> {
  for (const pid of pids) {
    const file = `/proc/${pid}/cmdline`;
    const list = `if [ -e ${file} ]; then cat ${file}; else ps -o args= -p ${pid}; fi`;
    const { stdout } = await runProcess("sh", ["-c", list]);
    if (stdout.includes(script)) return pid;
  }
  throw new Error(`None of ${pids} runs ${script}`);
}

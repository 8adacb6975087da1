import assert from "node:assert/strict";
import { isRunning, SocketAgent, until } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

/** A command that is done when a file is there. */
const UNTIL_FILE = 'touch "$0.begun"; while [ ! -e "$0" ]; do sleep 0.05; done; echo done';

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("agent list has those that were started here, and those elsewhere", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const words = ["--session", "docs", "--role", "count", "--count", "2"];
  const started = await system.ok(["agent", "start", ...words, "--", "wc", "-w"]);
  assert.deepEqual([...started.matchAll(/✓ (\S+)/g)].map(([, name]) => name).sort(), [
    "count-1",
    "count-2",
  ]);
  await using _agent = await SocketAgent.connect({
    relayUrl: `ws://127.0.0.1:${system.relayPort}`,
    session: "docs",
    role: "other",
    agentId: "elsewhere",
  });
  const list = await system.json(["agent", "list"]);
  assert.deepEqual(
    list.map((row: Record<string, unknown>) => [row.name, row.role, row.runtime, row.status]),
    [
      ["count-1", "count", "process", "connected"],
      ["count-2", "count", "process", "connected"],
      [null, "other", "external", "connected"],
    ],
  );
  assert.match(await system.ok(["agent", "list"]), /^NAME +SESSION +ROLE +STATUS +RUNNING/);
  assert.match(await system.ok(["agent", "list", "--session", "none"]), /^No agents\n$/);
  const args = ["send", "work", "--session", "docs", "--role", "count", "--wait"];
  assert.match(await system.ok([...args, "--message", "one two three"]), /^3\n$/);
  // A further one gets a name of its own.
  assert.match(
    await system.ok(["agent", "start", "--session", "docs", "--role", "count"]),
    /^✓ count-3 /,
  );
});

Deno.test("an agent that cannot start is an error with the end of its log, and is gone", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  await using relay = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => Response.json({ error: "not this one" }, { status: 400 }),
  );
  const url = `ws://127.0.0.1:${relay.addr.port}`;
  const { code, stderr } = await system.run([...start, "--relay", url]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: r-1 ended with exit code 1\. The end of .*r-1\.log:\n/);
  assert.match(stderr, /400 not this one/);
  assert.deepEqual(await system.json(["agent", "list"]), []);
  await system.ok([...start, "--name", "mine"]);
  const twice = await system.run([...start, "--name", "mine"]);
  assert.deepEqual([twice.code, twice.stderr], [1, "error: mine runs already\n"]);
});

Deno.test("what is wrong with the flags of agent commands is said, exit code 2", async () => {
  await using system = await TestSystem.create();
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  for (
    const [args, message] of [
      [
        ["agent", "start", "--session", "s"],
        "--role is missing: give -r ROLE, or set OUROCODUS_ROLE",
      ],
      [[...start, "--count", "0"], '--count is "0", it must be a whole number from 1 to 1000'],
      [[...start, "--count", "x"], '--count is "x", it must be a whole number from 1 to 1000'],
      [
        [...start, "--concurrency", "2000"],
        '--concurrency is "2000", it must be a whole number from 1 to 1024',
      ],
      [[...start, "--env", "=X"], '--env is "=X", it must be NAME or NAME=VALUE'],
      [[...start, "--env", "X"], "--env is X, which is not set here: export it, or give X=VALUE"],
      [
        [...start, "--repo", ".", "--check", "true"],
        "--repo, --check: only with a coding agent: --agent or --acp",
      ],
      [
        [...start, "--agent", "claude", "--timeout", "1m"],
        "--timeout: only with a command, after --",
      ],
      [
        [...start, "--agent", "claude", "--", "x"],
        "--agent has a command of its own; --acp is for another, after --",
      ],
      [[...start, "--acp"], "--acp needs the coding agent's command, after --"],
      [
        [...start, "--agent", "claude", "--env", "ROLE=x"],
        "--env is ROLE, which is the agent program's own; give --env-file",
      ],
      [[...start, "--stdin", "json"], "--stdin: only with a command, after --"],
      [[...start, "--name", "relay"], '--name is "relay", which is a part of the system'],
      [["agent", "stop"], "give one of names, --session and --all"],
      [["agent", "stop", "x", "--all"], "give only one of names, --session and --all"],
    ] as const
  ) {
    const { code, stderr } = await system.run(args);
    assert.deepEqual([code, stderr], [2, `error: ${message}\n`]);
  }
});

Deno.test("what an agent would refuse is refused before it is started, and nothing is left behind", async () => {
  await using system = await TestSystem.create();
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  const cases: [string[], RegExp][] = [
    [
      ["--stdin", "foo", "--", "cat"],
      /^error: option '--stdin <what>' argument 'foo' is invalid\./,
    ],
    [["--timeout", "5x", "--", "cat"], /^error: option '--timeout .* It must be a duration like/],
    [["--retry-on", "300", "--", "cat"], /^error: option '--retry-on .* exit codes from 1 to 255/],
    [
      ["--cwd", "/nope", "--", "cat"],
      /^error: Cannot run the command in "\/nope": it is no folder/,
    ],
    [["--", "/no/such/command"], /^error: Cannot run the command: "\/no\/such\/command" does not/],
    [["--relay", "nope://x"], /^error: --relay is "nope:\/\/x", it must be a URL like ws:/],
    [
      ["--nats", "nope://x"],
      /^error: --nats is "nope:\/\/x": scheme is "nope", allowed are nats, tls/,
    ],
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await system.run([...start, ...args]);
    assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2], stderr);
    assert.match(stderr, message);
  }
  assert.equal(await exists(system.home.folder), false);
});

Deno.test("agent stop lets an agent finish its running work", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const file = `${system.home.folder}/finish`;
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  await system.ok([...start, "--", "sh", "-c", UNTIL_FILE, file]);
  await system.ok(["send", "work", "--session", "s", "--message", "x"]);
  await until(() => exists(`${file}.begun`));
  const pid = await system.pid("r-1");
  await using stopping = system.begin(["agent", "stop", "r-1"]);
  await stopping.waitForLine("Stopping r-1, after their running work");
  await until(async () => (await system.ok(["agent", "logs", "r-1"])).includes("Stopping"));
  assert.equal(await isRunning(pid), true);
  await Deno.writeTextFile(file, "");
  await stopping.waitForLine("✓ r-1 stopped", { timeoutMs: 30_000 });
  assert.match(
    await system.ok(["tail", "results", "--session", "s", "--no-follow"]),
    / done\n$/,
  );
  assert.equal(await isRunning(pid), false);
  assert.equal((await system.json(["status"])).streams.work.messages, 0);
});

Deno.test("agent stop names what an agent did not finish in time, released or killed", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  const unfinished = (name: string, ids: string) =>
    `Stopping ${name}, after their running work (--now does not wait)\n! ${name} stopped; ${ids}\n`;
  const begin = async (name: string, ids: string[], flags: string[]) => {
    const file = `${system.home.folder}/${name}`;
    const begun = 'touch "$0.$OUROCODUS_ID"; while :; do sleep 0.05; done';
    await system.ok([...start, "--name", name, ...flags, "--", "sh", "-c", begun, file]);
    for (const id of ids) {
      await system.ok(["send", "work", "--session", "s", "--message", "x", "--id", id]);
    }
    await until(async () =>
      (await Promise.all(ids.map((id) => exists(`${file}.${id}`)))).every(Boolean)
    );
  };
  await begin("late", ["a", "b"], [
    "--concurrency",
    "2",
    "--drain",
    "50ms",
    "--kill-after",
    "50ms",
  ]);
  assert.equal(
    await system.ok(["agent", "stop", "late"]),
    unfinished("late", "2 work items were not finished and are handed out again: a, b"),
  );
  await system.ok(["work", "cancel", "a", "b"]);
  await begin("killed", ["c"], []);
  assert.equal(
    await system.ok(["agent", "stop", "killed", "--timeout", "50ms"]),
    unfinished("killed", "1 work item was not finished and is handed out again: c"),
  );
});

Deno.test("agent stop --now gives the running work to another agent", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const file = `${system.home.folder}/finish`;
  const start = ["agent", "start", "--session", "s", "--role", "r"];
  await system.ok([...start, "--name", "slow", "--", "sh", "-c", UNTIL_FILE, file]);
  await system.ok(["send", "work", "--session", "s", "--message", "precious"]);
  await until(() => exists(`${file}.begun`));
  await system.ok([...start, "--name", "other", "--", "cat"]);
  assert.equal(await system.ok(["agent", "stop", "slow", "--now"]), "✓ slow stopped\n");
  await until(async () => (await system.json(["status"])).streams.log.results === 1);
  assert.match(
    await system.ok(["tail", "results", "--session", "s", "--no-follow"]),
    / precious\n$/,
  );
});

Deno.test("an agent that crashes is started again, and restart starts a new one", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "s", "--role", "r"]);
  const first = await system.pid("r-1");
  Deno.kill(first, "SIGKILL");
  const back = await until(async () => {
    const [row] = await system.json(["agent", "list"]);
    return row.status === "connected" && row.pid !== first && row;
  }, { timeoutMs: 30_000, message: "another r-1" });
  assert.equal(back.restarts, 1);
  assert.match(await system.ok(["agent", "restart", "r-1"]), /✓ r-1 connected to relay-/);
  const [row] = await system.json(["agent", "list"]);
  assert.deepEqual([row.id, row.status], [back.id, "connected"]);
  assert.notEqual(row.pid, back.pid);
  assert.match(await system.ok(["agent", "logs"]), /started again, restart 1/);
});

Deno.test("agents outlive their supervisor, and are stopped anyway", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "s", "--role", "r", "--count", "2"]);
  const pids = [await system.pid("r-1"), await system.pid("r-2")];
  const supervisor = await system.pid("supervisor");
  Deno.kill(supervisor, "SIGKILL");
  await until(async () => !await isRunning(supervisor));
  const stopped = await system.ok(["agent", "stop", "--session", "s"]);
  assert.match(stopped, /✓ r-1 stopped/);
  assert.match(stopped, /✓ r-2 stopped/);
  for (const pid of pids) assert.equal(await isRunning(pid), false);
  assert.equal((await system.json(["status"])).healthy, true);
});

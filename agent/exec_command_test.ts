import assert from "node:assert/strict";
import {
  BusClient,
  childrenOf,
  isRunning,
  ROOT,
  runProcess,
  startNats,
  startProcess,
  startRelay,
  type TestProcess,
  until,
} from "../tests/support/mod.ts";
import { ToldPids } from "./testing/told_pids.ts";
import { workLine } from "./testing/fake_relay.ts";
import { StandInRelay, storedLine } from "./testing/stand_in_relay.ts";

const COMMAND = ["run", "-A", `${ROOT}/agent/main.ts`, "exec"];
const WHO = ["--session", "test", "--role", "r"];
/** When the work was stored, in nanoseconds: no other test has the same. */
const LEASE_TIME = `${Date.now()}${String(Deno.pid).padStart(6, "0").slice(-6)}`;
const env = { SESSION_ID: "", ROLE: "", RELAY_URL: "" };

function startExec(relayUrl: string, ...args: string[]): TestProcess {
  const flags = [...WHO, "--relay", relayUrl, ...args];
  return startProcess(Deno.execPath(), [...COMMAND, ...flags], { name: "exec agent", env });
}

/** Waits for the progress with which a command tells its process id. */
async function toldPid(relay: StandInRelay): Promise<number> {
  const sent = await until(() => relay.sent.find(({ type }) => type === "progress"));
  return Number(sent.payload.message);
}

Deno.test("what cannot be run is refused at once, with 2 and in one line", async () => {
  const cases: [string[], RegExp][] = [
    [[], /missing required argument 'command'/],
    [["--", "nope-nope"], /^error: Cannot run the command: "nope-nope" is not on PATH\n$/],
    [["--cwd", "/nope", "--", "cat"], /in "\/nope": it is no folder/],
    [["--timeout", "soon", "--", "cat"], /--timeout .*'soon' is invalid. It must be a duration/],
    [["--retry-on", "75,300", "--", "cat"], /exit codes from 1 to 255/],
    [["--env", "=A", "--", "cat"], /It must be NAME=VALUE or NAME/],
    [["--env", "NOT_SET_HERE", "--", "cat"], /NOT_SET_HERE is not set here/],
    [["--env", "OUROCODUS_ID=1", "--", "cat"], /is set for each work item/],
    [
      ["--error-if", "is_error", "--stdout", "json", "--", "cat"],
      /^error: --error-if is "is_error", /,
    ],
    [
      ["--error-if", ".is_error", "--", "cat"],
      /^error: --error-if is ".is_error", which needs JSON/,
    ],
    [["--sandbox", "docker", "--", "cat"], /Allowed choices are none, bwrap/],
    [
      ["--sandbox", "bwrap", "--cwd", "/", "--", "cat"],
      /Cannot confine|Cannot use --sandbox bwrap/,
    ],
    [["--env", "OUROCODUS_WORK_KEY=1", "--", "cat"], /is set for each work item/],
    [["--stdn", "json", "--", "cat"], /Did you mean --std/],
    [["--concurrency", "0", "--", "cat"], /^error: --concurrency is "0", allowed is 1 to 1024\n$/],
  ];
  await Promise.all(cases.map(async ([args, message]) => {
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), [
      ...COMMAND,
      ...WHO,
      ...args,
    ], { env });
    assert.deepEqual([code, stdout, stderr.split("\n").length], [2, "", 2]);
    assert.match(stderr, message);
  }));
});

Deno.test("--dry-run says what is wrong, with the flags alone or with all, and runs nothing", async () => {
  const check = async (...args: string[]) => {
    const { code, stdout, stderr } = await runProcess(Deno.execPath(), [
      ...COMMAND,
      ...WHO,
      ...args,
    ], { env });
    return [code, stdout + stderr.slice(0, 30)];
  };
  assert.deepEqual(await check("--dry-run", "all", "--", "cat"), [0, ""]);
  assert.deepEqual(await check("--dry-run", "flags", "--", "nope-nope"), [0, ""]);
  const [code, wrong] = await check("--dry-run", "all", "--", "nope-nope");
  assert.deepEqual([code, wrong], [2, "error: Cannot run the command:"]);
  assert.deepEqual((await check("--dry-run", "flags", "--stdin", "foo", "--", "cat"))[0], 2);
});

Deno.test("200 work items through eight commands at once, then a stop that drains", async () => {
  await using nats = await startNats();
  await using relay = await startRelay({ natsUrl: nats.url });
  await using bus = await BusClient.connect(nats.url);
  const ids = Array.from({ length: 200 }, (_, index) => `w${index}`);
  for (const id of ids) await bus.send("test", "r", id, "a ".repeat(Number(id.slice(1))));
  await using agent = startExec(relay.url, "--concurrency", "8", "--", "wc", "-w");
  const results = await bus.hasResults("test", ids.length, 60_000);
  const right = ids.map((id) => [id, `${id.slice(1)}\n`]).toSorted();
  const got = results.map(({ message: { id, payload } }) => [id, payload.output]).toSorted();
  assert.deepEqual(got, right);
  assert.equal((await agent.stop()).code, 0);
  await bus.hasNoWork();
});

Deno.test("SIGTERM lets the command finish", async () => {
  await using relay = new StandInRelay();
  const script = 'trap "" TERM; echo $$ >&2; until [ -e "$1" ]; do sleep 0.01; done; echo end';
  const folder = await Deno.makeTempDir();
  try {
    await using agent = startExec(relay.url, "--", "sh", "-c", script, "sh", `${folder}/go`);
    const socket = await relay.connection(0);
    socket.send(workLine("1", "L", 1, { message: "" }));
    await toldPid(relay);
    agent.send("SIGTERM");
    await agent.waitForLine("Stopping");
    await Deno.writeTextFile(`${folder}/go`, "");
    const result = await until(() => relay.sent.find(({ type }) => type === "result"));
    assert.equal(result.payload.output, "end\n");
    socket.send(storedLine("L"));
    assert.equal((await agent.status).code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("when the time to finish is over, nothing of a command is left running", async () => {
  await using relay = new StandInRelay();
  const script = "trap '' TERM; echo $$ >&2; sleep 1000; sleep 1000";
  const flags = ["--drain", "50ms", "--kill-after", "50ms"];
  await using agent = startExec(relay.url, ...flags, "--", "sh", "-c", script);
  (await relay.connection(0)).send(workLine("1", "L", 1, { message: "" }));
  const pid = await toldPid(relay);
  agent.send("SIGTERM");
  assert.equal((await agent.status).code, 0);
  assert.equal(await isRunning(pid), false);
});

for (
  const [how, end] of [
    ["a second signal", async (agent: TestProcess) => {
      agent.send("SIGTERM");
      await agent.waitForLine("Stopping");
      assert.equal((await agent.insist("SIGTERM")).code, 143);
    }],
    ["SIGKILL", async (agent: TestProcess) => {
      await agent.kill();
    }],
  ] as const
) {
  const title = `${how} ends the command with the agent, and what has left its session`;
  Deno.test(title, { ignore: Deno.build.os !== "linux" }, async () => {
    await using relay = new StandInRelay();
    await using pids = new ToldPids();
    const daemon = `setsid sh -c 'echo $$ >"$PIDS/daemon"; exec sleep 1000' >/dev/null 2>&1 &`;
    const script = `trap '' TERM; ${daemon} sleep 1000 & echo $$ >&2; wait; sleep 1000`;
    const flags = [
      "--env",
      `PIDS=${pids.folder}`,
      "--kill-after",
      "50ms",
      "--",
      "sh",
      "-c",
      script,
    ];
    await using agent = startExec(relay.url, ...flags);
    (await relay.connection(0)).send(workLine("1", "L", 1, { message: "" }));
    const told = [await toldPid(relay), await pids.pid("daemon")];
    await end(agent);
    for (const pid of told) {
      await until(async () => !await isRunning(pid), { message: `the end of ${pid}` });
    }
  });
}

Deno.test({
  name: "agent and keeper killed at once: the next attempt ends what they have left",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using relay = new StandInRelay();
    await using pids = new ToldPids();
    const daemon = `setsid sh -c 'echo $$ >"$PIDS/daemon"; exec sleep 1000' >/dev/null 2>&1 &`;
    const first =
      `if [ "$OUROCODUS_ATTEMPT" = 1 ]; then ${daemon} echo $$ >&2; exec sleep 1000; fi`;
    const flags = ["--env", `PIDS=${pids.folder}`, "--kill-after", "5s", "--", "sh", "-c"];
    const lease = (delivery: number) =>
      `$JS.ACK.OUROCODUS_WORK.r.${delivery}.7.${delivery}.${LEASE_TIME}.0`;
    await using agent = startExec(relay.url, ...flags, first);
    (await relay.connection(0)).send(workLine("1", lease(1), 1, { message: "" }));
    const told = [await toldPid(relay), await pids.pid("daemon")];
    const keeper = (await childrenOf(agent.pid)).find((pid) => !told.includes(pid)) ?? 0;
    agent.send("SIGSTOP");
    Deno.kill(keeper, "SIGKILL");
    await agent.kill();
    for (const pid of told) assert.equal(await isRunning(pid), true);
    await using heir = startExec(relay.url, ...flags, first);
    const socket = await relay.connection(1);
    socket.send(workLine("1", lease(2), 2, { message: "" }));
    await until(() => relay.sent.find(({ type }) => type === "result"));
    for (const pid of told) assert.equal(await isRunning(pid), false);
    socket.send(storedLine(lease(2)));
    assert.equal((await heir.stop()).code, 0);
  },
});

Deno.test("what lets the agent in at NATS is not in the command's environment", async () => {
  await using relay = new StandInRelay();
  const args = [...COMMAND, ...WHO, "--relay", relay.url, "--env", "NATS_USER=mine", "--", "env"];
  const secrets = { NATS_PASSWORD: "secret", OUROCODUS_HOME: "secret", NATS_USER: "secret" };
  await using _ = startProcess(Deno.execPath(), args, { env: { ...env, ...secrets } });
  (await relay.connection(0)).send(workLine("1", "L", 1, { message: "" }));
  const result = await until(() => relay.sent.find(({ type }) => type === "result"));
  const output = String(result.payload.output);
  assert(!output.includes("secret"), output);
  assert(output.includes("\nNATS_USER=mine\n") && output.includes("NO_COLOR=1\n"), output);
});

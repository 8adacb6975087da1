import { writeState } from "@ourocodus/system";
import assert from "node:assert/strict";
import { freePort, isRunning, startProcess, until } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

Deno.test("start, agent start, send, tail, status and stop are one story", async () => {
  await using system = await TestSystem.create();
  const started = await system.start();
  assert.match(started, new RegExp(`nats://127.0.0.1:${system.natsPort} `));
  assert.match(started, new RegExp(`ws://127.0.0.1:${system.relayPort} `));
  assert.match(started, new RegExp(`The monitor: http://127.0.0.1:${system.apiPort}/\n`));
  const agent = await system.ok(["agent", "start", "--session", "test", "--role", "test"]);
  assert.match(agent, /^✓ test-1 connected to relay-\w+: session test, role test\n$/);
  await system.ok(["send", "work", "--session", "test", "--message", "hello"]);
  await until(async () => (await system.json(["status"])).streams.log.results === 1);
  assert.match(
    await system.ok(["tail", "results", "--session", "test", "--no-follow"]),
    /"message":"hello"/,
  );
  const status = await system.json(["status"]);
  assert.deepEqual(
    status.parts.map((part: { name: string; status: string }) => [part.name, part.status]),
    [["nats-server", "healthy"], ["relay", "healthy"], ["api", "healthy"]],
  );
  assert.equal(status.healthy, true);
  assert.equal(status.agents[0].status, "connected");
  const pids = await Promise.all(
    ["supervisor", "nats-server", "relay", "api", "test-1"].map((name) => system.pid(name)),
  );
  const stopped = await system.ok(["stop"]);
  assert.match(
    stopped,
    /✓ test-1 stopped\n✓ api stopped\n✓ relay stopped\n✓ nats-server stopped\n$/,
  );
  for (const pid of pids) assert.equal(await isRunning(pid), false);
  const after = await system.run(["status"]);
  assert.equal(after.code, 1);
  assert.match(after.stdout, /^Nothing runs in /);
});

Deno.test("a second start changes nothing and says so, also one at the same time", async () => {
  await using system = await TestSystem.create();
  const [one, other] = await Promise.all([system.start(), system.start()]);
  const said = [one, other].filter((text) => text.includes("nothing was changed"));
  assert.equal(said.length, 1);
  const pids = [await system.pid("nats-server"), await system.pid("relay")];
  assert.match(await system.start(), /It runs already, .*; nothing was changed\.\n$/);
  assert.deepEqual([await system.pid("nats-server"), await system.pid("relay")], pids);
  const moved = await system.run(["start", "--port", "1"]);
  assert.equal(moved.code, 1);
  assert.match(moved.stderr, /^error: relay runs already, on port \d+, and --port is 1\./);
  const elsewhere = await system.run(["start", "--host", "127.0.0.2"]);
  assert.deepEqual([elsewhere.code, elsewhere.stderr], [
    1,
    "error: relay runs already, on 127.0.0.1, and --host is 127.0.0.2. Stop it first: ourocodus stop\n",
  ]);
});

Deno.test("a port in use is named, and what was started is stopped again", async () => {
  await using system = await TestSystem.create();
  using _taken = Deno.listen({ hostname: "127.0.0.1", port: system.relayPort });
  const { code, stdout, stderr } = await system.run(["start", ...system.ports]);
  assert.equal(code, 1);
  assert.match(stdout, /^✓ nats-server .*\nStopped again: nats-server\.\n$/);
  const [server, ...errors] = stderr.split("\n");
  assert.match(server ?? "", /^nats-server \d+\.\d+\.\d+, .+: \//);
  assert.deepEqual(errors, [
    `error: Cannot start relay on 127.0.0.1 port ${system.relayPort}: it is in use. ` +
    `End what uses it, or choose another with --port`,
    "",
  ]);
  assert.match((await system.run(["status"])).stdout, /^Nothing runs/);
});

Deno.test("a part that dies at once is an error with the end of its log", async () => {
  await using system = await TestSystem.create();
  const { code, stderr } = await system.run(["start", ...system.ports], { MAX_DELIVER: "many" });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^nats-server .*\nerror: relay ended with exit code \d\. The end of .*relay\.log:\n/,
  );
  assert.match(stderr, / {2}error: MAX_DELIVER is "many"/);
  assert.match((await system.run(["status"])).stdout, /^Nothing runs/);
});

Deno.test("no nats-server is an error that says which was asked for", async () => {
  await using system = await TestSystem.create();
  const { code, stderr } = await system.run(["start"], { NATS_SERVER: "/nowhere" });
  assert.deepEqual([code, stderr], [
    1,
    'error: NATS_SERVER is "/nowhere": there is no such file\n',
  ]);
});

Deno.test("a relay that is killed is back by itself, and nothing is lost", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok([
    ...["agent", "start", "--session", "s", "--role", "r", "--concurrency", "8"],
  ]);
  const lines = Array.from({ length: 200 }, (_, n) => JSON.stringify(`message ${n}`)).join("\n");
  const file = await Deno.makeTempFile({ suffix: ".jsonl" });
  await Deno.writeTextFile(file, lines);
  const sent = system.ok(["send", "work", "--session", "s", "--role", "r", "--file", file]);
  const first = await system.pid("relay");
  Deno.kill(first, "SIGKILL");
  await sent;
  await Deno.remove(file);
  await until(async () => (await system.json(["status"])).streams?.log.results === 200, {
    timeoutMs: 90_000,
    message: "200 results",
  });
  const relay = (await system.json(["status"])).parts[1];
  assert.equal(relay.status, "healthy");
  assert.notEqual(relay.pid, first);
  assert(relay.restarts >= 1);
  const log = await system.ok(["logs", "relay", "-n", "1000"]);
  assert.match(log, /\[ourocodus\] relay ended by SIGKILL, starting it again in 0\.5 s/);
});

Deno.test("what a killed supervisor leaves behind is told, taken over by start, and kept", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const [nats, relay] = [await system.pid("nats-server"), await system.pid("relay")];
  Deno.kill(await system.pid("supervisor"), "SIGKILL");
  const status = await until(async () => {
    const { code, stdout } = await system.run(["status"]);
    return stdout.includes("The supervisor is gone") && { code };
  });
  assert.equal(status.code, 1);
  assert.match(await system.start(), /What an earlier start had left running was taken over/);
  assert.deepEqual([await system.pid("nats-server"), await system.pid("relay")], [nats, relay]);
  Deno.kill(relay, "SIGKILL");
  await until(async () => {
    const [, part] = (await system.json(["status"])).parts;
    return part.status === "healthy" && part.pid !== relay;
  }, { timeoutMs: 30_000, message: "another relay" });
});

/** Kills the parts and agents. The supervisor first, or it would start the others again. */
async function killAll(system: TestSystem, agent: string): Promise<void> {
  for (const name of ["supervisor", agent, "api", "relay", "nats-server"]) {
    const pid = await system.pid(name);
    Deno.kill(pid, "SIGKILL");
    await until(async () => !await isRunning(pid));
  }
}

Deno.test("after all of it was killed, start says which agents ran before", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "test", "--role", "writer", "--forget"]);
  await killAll(system, "writer-1");
  assert.match(
    await system.start(),
    /Of before, writer-1 is not running any more\. .*:\n {2}ourocodus agent restart writer-1\n$/,
  );
  await system.ok(["agent", "restart", "writer-1"]);
  assert.doesNotMatch(await system.start(), /Of before/);
});

Deno.test("an agent that is restarted finds the relay where it listens now", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok(["agent", "start", "--session", "test", "--role", "writer", "--forget"]);
  await killAll(system, "writer-1");
  const [natsFlag = "", natsPort = "", , , ...api] = system.ports;
  await system.ok(["start", natsFlag, natsPort, "--port", `${freePort()}`, ...api]);
  assert.match(await system.ok(["agent", "restart", "writer-1"]), /✓ writer-1 connected/);
});

Deno.test("a part that runs and is not well is told by start, with what ends it", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const nats = await system.pid("nats-server");
  Deno.kill(nats, "SIGSTOP");
  try {
    const { code, stderr } = await system.run(["start", ...system.ports]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^nats-server .*\nerror: nats-server runs already \(pid \d+\), and does not say .*"ourocodus stop --now" ends it\n$/,
    );
  } finally {
    Deno.kill(nats, "SIGCONT");
  }
});

Deno.test("stop stops what a killed supervisor leaves behind", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const pids = [await system.pid("nats-server"), await system.pid("relay")];
  const supervisor = await system.pid("supervisor");
  Deno.kill(supervisor, "SIGKILL");
  await until(async () => !await isRunning(supervisor));
  assert.match(
    await system.ok(["stop"]),
    /✓ api stopped\n✓ relay stopped\n✓ nats-server stopped\n$/,
  );
  for (const pid of pids) assert.equal(await isRunning(pid), false);
});

Deno.test("processes that were given the pids of an earlier system are left alone", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const state = await system.state();
  await system.ok(["stop"]);
  await using bystander = startProcess("sleep", ["600"]);
  // As after the machine was started anew: the same file, and others have the pids.
  const reused = { pid: bystander.pid, started: "another boot 1" };
  const processes = state.processes.map((view) => ({ ...view, identity: reused }));
  const supervisor = { ...state.supervisor, identity: reused };
  writeState(system.home, { ...state, supervisor, processes });
  assert.match((await system.run(["status"])).stdout, /^Nothing runs/);
  assert.match(await system.ok(["stop"]), /^Nothing runs/);
  writeState(system.home, { ...state, supervisor, processes });
  assert.match(await system.start(), /^✓ nats-server/);
  assert.equal((await system.json(["status"])).healthy, true);
  await system.ok(["stop", "--now"]);
  assert.equal(await isRunning(bystander.pid), true);
});

Deno.test("the background system outlives the group and the terminal of its start", async () => {
  await using system = await TestSystem.create();
  await system.start();
  // A session of its own: neither Ctrl-C nor SIGHUP of a terminal reaches it.
  for (const name of ["supervisor", "nats-server", "relay"]) {
    const pid = await system.pid(name);
    const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
    const [, , group, session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    assert.deepEqual([Number(group), Number(session)], [pid, pid], name);
  }
  Deno.kill(await system.pid("supervisor"), "SIGHUP");
  assert.equal((await system.json(["status"])).healthy, true);
});

Deno.test("start --foreground shows the logs, and Ctrl-C stops everything in order", async () => {
  await using system = await TestSystem.create();
  await using foreground = system.begin(["start", "--foreground", ...system.ports]);
  await foreground.waitForLine("Ctrl-C stops it", { timeoutMs: 60_000 });
  await foreground.waitForLine(/^relay +\| .* relay listens on/);
  const pids = [await system.pid("nats-server"), await system.pid("relay")];
  assert.match(await system.start(), /It runs already/);
  const status = await foreground.stop({ signal: "SIGINT", timeoutMs: 60_000 });
  assert.equal(status.code, 0);
  for (const pid of pids) assert.equal(await isRunning(pid), false);
  assert.match((await system.run(["status"])).stdout, /^Nothing runs/);
});

Deno.test("a system whose home is removed ends, as nobody would find it any more", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const pids = await Promise.all(
    ["supervisor", "nats-server", "relay"].map((name) => system.pid(name)),
  );
  // nats-server may be writing to it.
  const remove = () => Deno.remove(system.home.folder, { recursive: true });
  await until(() => remove().then(() => true, (error) => error instanceof Deno.errors.NotFound));
  for (const pid of pids) {
    await until(async () => !await isRunning(pid), { timeoutMs: 30_000, message: `end of ${pid}` });
  }
});

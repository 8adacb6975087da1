/** Agents are there again after `stop` and `start`. */
import assert from "node:assert/strict";
import { isRunning, ROOT, until } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

/** A coding agent that calls no model. */
const FAKE = [Deno.execPath(), "run", "-A", "--quiet", `${ROOT}/agent/testing/fake_acp_agent.ts`];
const START = ["agent", "start", "--session", "s", "--role"];

/** Names and ids of the agents there are. */
async function agents(system: TestSystem): Promise<Record<string, string>> {
  const rows = await system.json(["agent", "list"]) as { name: string; id: string }[];
  return Object.fromEntries(rows.map(({ name, id }) => [name, id]));
}

async function answer(system: TestSystem, role: string): Promise<string> {
  const args = ["send", "work", "--session", "s", "--role", role, "--message", "hello", "--wait"];
  return await system.ok(args);
}

Deno.test("after stop and start the same agents are there again, but for those that are forgotten", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const print = ["--", "sh", "-c", 'echo "$GREETING $(pwd)"'];
  await system.ok([...START, "kept", "--count", "2", "--env", "GREETING=hello", ...print]);
  await system.ok([...START, "once", "--forget"]);
  await system.ok([...START, "stopped"]);
  await system.ok(["agent", "stop", "stopped-1"]);
  const before = await agents(system);
  await system.ok(["stop"]);
  const started = await system.start();
  assert.match(started, /✓ kept-1 connected to relay-\w+: session s, role kept\n/);
  assert.match(started, /✓ kept-2 connected to relay-/);
  const { "once-1": _, ...kept } = before;
  assert.deepEqual(await agents(system), kept);
  const folder = system.home.folder.replace(/\/home$/, "");
  assert.match(await answer(system, "kept"), new RegExp(`hello ${folder}`));
  await system.ok(["stop"]);
  assert.doesNotMatch(await system.ok(["start", "--no-agents", ...system.ports]), /kept-1/);
  await system.ok(["stop"]);
  // Also while nothing runs.
  assert.equal(
    await system.ok(["agent", "stop", "kept-1", "kept-2"]),
    "✓ kept-1 forgotten\n✓ kept-2 forgotten\n",
  );
  assert.doesNotMatch(await system.start(), /kept/);
  assert.deepEqual(await agents(system), {});
});

Deno.test("after all of it was killed, start brings the agents back", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok([...START, "r"]);
  for (const name of ["supervisor", "r-1", "api", "relay", "nats-server"]) {
    const pid = await system.pid(name);
    Deno.kill(pid, "SIGKILL");
    await until(async () => !await isRunning(pid));
  }
  const started = await system.start();
  assert.match(started, /✓ r-1 connected to relay-/);
  assert.doesNotMatch(started, /Of before/);
});

Deno.test("start --foreground brings the agents back, too", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok([...START, "r"]);
  await system.ok(["stop"]);
  await using foreground = system.begin(["start", "--foreground", ...system.ports]);
  await foreground.waitForLine(/✓ r-1 connected to relay-/, { timeoutMs: 60_000 });
  assert.equal((await foreground.stop({ signal: "SIGINT", timeoutMs: 60_000 })).code, 0);
});

Deno.test("an agent that still runs after its supervisor was killed is not started twice", async () => {
  await using system = await TestSystem.create();
  await system.start();
  await system.ok([...START, "r"]);
  const pid = await system.pid("r-1");
  const supervisor = await system.pid("supervisor");
  Deno.kill(supervisor, "SIGKILL");
  await until(async () => !await isRunning(supervisor));
  await system.start();
  assert.equal(await system.pid("r-1"), pid);
  assert.equal((await system.json(["agent", "list"])).length, 1);
});

Deno.test("an agent that cannot run any more is named, listed, and does not keep others from it", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const folder = await Deno.makeTempDir();
  await system.ok([...START, "gone", "--cwd", folder, "--", "cat"]);
  await system.ok([...START, "there", "--", "cat"]);
  await system.ok(["stop"]);
  await Deno.remove(folder);
  const { code, stdout, stderr } = await system.run(["start", ...system.ports]);
  assert.deepEqual([code, stdout.includes("✓ there-1 connected")], [0, true]);
  assert.match(
    stderr,
    /^! gone-1 does not work again: Cannot run the command in ".*": it is no folder/m,
  );
  assert.match(
    stderr,
    /"ourocodus agent restart gone-1" tries it again, "agent stop gone-1" forgets/,
  );
  assert.doesNotMatch(stdout, /Of before/);
  const rows = await system.json(["agent", "list"]) as { name: string; status: string }[];
  assert.deepEqual(rows.map(({ name, status }) => [name, status]), [
    ["gone-1", "exited"],
    ["there-1", "connected"],
  ]);
  assert.match(await system.ok(["agent", "logs", "gone-1"]), /gone-1 was not started: Cannot run/);
  // Its folder is back.
  await Deno.mkdir(folder);
  assert.match(await system.ok(["agent", "restart", "gone-1"]), /✓ gone-1 connected/);
  await Deno.remove(folder);
});

Deno.test("a variable that an agent had from its shell has to be there again, and is kept nowhere", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const secret = `sk-${crypto.randomUUID()}`;
  const repo = await Deno.makeTempDir();
  const coding = ["--acp", "--cwd", repo, "--env", "MODEL_KEY"];
  await system.ok([...START, "coder", ...coding, "--", ...FAKE], { MODEL_KEY: secret });
  assert.doesNotMatch(await Deno.readTextFile(system.home.agents), new RegExp(secret));
  assert.doesNotMatch(await Deno.readTextFile(system.home.state), new RegExp(secret));
  await system.ok(["stop"]);
  const { stderr } = await system.run(["start", ...system.ports]);
  assert.match(
    stderr,
    /^! coder-1 does not work again: MODEL_KEY was set when it was started, and is not set now\n/m,
  );
  await system.ok(["stop"]);
  const again = await system.run(["start", ...system.ports], { MODEL_KEY: secret });
  assert.match(again.stdout, /✓ coder-1 connected/, again.stdout + again.stderr);
  await Deno.remove(repo);
});

Deno.test("agents that are remembered in a file that was changed are no reason for start to fail", async () => {
  await using system = await TestSystem.create();
  await Deno.mkdir(system.home.folder, { recursive: true });
  await Deno.writeTextFile(system.home.agents, "{");
  const { code, stderr } = await system.run(["start", ...system.ports]);
  assert.equal(code, 0);
  assert.match(stderr, /^! agents were not started: Cannot read which agents are remembered: /m);
});

Deno.test("a coding agent whose repository is gone is named, and worktrees stay where they were", async () => {
  await using system = await TestSystem.create();
  await system.start();
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const repo = `${folder}/shop`;
  await new Deno.Command("git", { args: ["init", "--quiet", repo] }).output();
  const git = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "--allow-empty", "-qm", "x"];
  const start = [...START, "coder", "--acp", "--repo", repo, "--count", "2", "--", ...FAKE];
  const none = await system.run(start);
  assert.equal(none.code, 2);
  assert.match(
    none.stderr,
    /^error: Cannot use the repository .*: it has no commit yet, .*git commit/,
  );
  await new Deno.Command("git", { args: git, cwd: repo }).output();
  await system.ok(start);
  const { processes } = await system.state();
  const args = processes.find(({ spec }) => spec.name === "coder-1")?.spec.args ?? [];
  const worktrees = args[args.indexOf("--worktrees") + 1] ?? "";
  assert.match(worktrees, new RegExp(`^${system.home.folder}/worktrees/shop-[0-9a-f]{8}$`));
  await system.ok(["stop"]);
  await Deno.rename(repo, `${repo}-moved`);
  const gone = await system.run(["start", ...system.ports]);
  assert.equal(gone.code, 0);
  for (const name of ["coder-1", "coder-2"]) {
    assert.match(
      gone.stderr,
      new RegExp(`! ${name} does not work again: --repo is "${repo}", which`),
    );
  }
  await system.ok(["stop"]);
  await Deno.rename(`${repo}-moved`, repo);
  const again = await system.start();
  // In whatever order.
  for (const name of ["coder-1", "coder-2"]) assert.match(again, new RegExp(`✓ ${name} connected`));
  await Deno.remove(folder, { recursive: true });
});

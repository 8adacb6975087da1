/**
 * The same commands on a real Docker engine. They build images and take their time, so they run with
 * `deno task e2e` alone, which sets OUROCODUS_TEST_DOCKER.
 */
import assert from "node:assert/strict";
import { findDocker, ROOT, runProcess, until } from "../tests/support/mod.ts";
import { TestSystem } from "./testing/test_system.ts";

const wanted = Deno.env.get("OUROCODUS_TEST_DOCKER") === "1";
const ignore = !wanted || (await findDocker())?.compose === undefined;
if (wanted && ignore && Deno.env.get("CI")) {
  throw new Error("There is no Docker engine with Compose; CI must have one");
}

/** Runs docker. @returns What it printed. */
async function docker(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess("docker", args, { timeoutMs: 600_000 });
  if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** A system in Docker, as a compose project of its own; it and its volumes are removed. */
async function withDocker(
  run: (system: TestSystem, project: string) => Promise<void>,
): Promise<void> {
  const project = `octest-${crypto.randomUUID().slice(0, 8)}`;
  await using system = await TestSystem.create();
  try {
    await system.ok(["start", "--docker", ...system.ports], { COMPOSE_PROJECT_NAME: project });
    await run(system, project);
  } finally {
    await system.run(["stop", "--now", "--volumes"]);
  }
}

Deno.test({
  name: "in Docker, start, agent start, send, tail, status and stop are one story too",
  ignore,
  fn: () =>
    withDocker(async (system, project) => {
      const start = ["agent", "start", "--session", "test", "--role", "test"];
      assert.match(await system.ok(start), /^✓ test-1 connected to relay-/);
      await system.ok(["send", "work", "--session", "test", "--message", "hello"]);
      await until(async () => (await system.json(["status"])).streams.log.results === 1);
      const tail = await system.ok(["tail", "results", "--session", "test", "--no-follow"]);
      assert.match(tail, /"message":"hello"/);
      const status = await system.json(["status"]);
      assert.deepEqual([status.healthy, status.runtime], [true, "docker"]);
      assert.match(
        await system.ok(["start", "--docker"], { COMPOSE_PROJECT_NAME: project }),
        /It runs already; nothing was changed/,
      );
      assert.match(await system.ok(["agent", "logs", "test-1"]), /Connected to/);
      const noLog = (await system.run(["logs", "nats-server"])).stderr;
      assert.match(noLog, /no log of nats-server\. There are: api, nats, relay, test-1\n$/);
      assert.match(await system.ok(["stop", "--volumes"]), /✓ test-1 stopped\n/);
      for (const kind of ["container", "network", "volume"]) {
        const all = kind === "container" ? ["--all"] : [];
        assert.equal(await docker(kind, "ls", ...all, "-q", "--filter", `name=${project}`), "");
      }
      assert.match((await system.run(["status"])).stdout, /^Nothing runs/);
    }),
});

Deno.test({
  name: "an agent's container has no privileges and its limits, and Docker brings it back",
  ignore,
  fn: () =>
    withDocker(async (system) => {
      const limits = ["--memory", "256MB", "--cpus", "0.5"];
      const start = ["agent", "start", "--session", "s", "--role", "r"];
      await system.ok([...start, ...limits, "--", "wc", "-w"]);
      const [row] = await system.json(["agent", "list"]);
      assert.deepEqual([row.runtime, row.status, row.restarts], ["docker", "connected", 0]);
      const [{ HostConfig, State }] = JSON.parse(await docker("inspect", row.container));
      assert.deepEqual([HostConfig.ReadonlyRootfs, HostConfig.Privileged, HostConfig.CapDrop], [
        true,
        false,
        ["ALL"],
      ]);
      assert.deepEqual([HostConfig.Memory, HostConfig.NanoCpus], [256 * 2 ** 20, 5e8]);
      const refused = await system.run([...start, "--", "/no/such"]);
      assert.match(refused.stderr, /^error: r-2 ended with exit code 2\. The end of its log:\n/);
      // As seen from the machine; that needs an engine on this one, and the right to do so.
      Deno.kill(State.Pid, "SIGKILL");
      await until(async () => {
        const [agent] = await system.json(["agent", "list"]);
        return agent.status === "connected" && agent.restarts === 1;
      }, { timeoutMs: 30_000, message: "another container" });
      assert.match(await system.ok(["agent", "restart", "r-1"]), /✓ r-1 connected/);
      assert.match(await system.ok(["agent", "stop", "r-1"]), /✓ r-1 stopped/);
      assert.deepEqual(await system.json(["agent", "list"]), []);
    }),
});

/** A repository with a commit, of this user. */
async function makeRepository(folder: string): Promise<void> {
  const git = async (...args: string[]) => {
    const { code, stderr } = await runProcess("git", ["-C", folder, ...args]);
    if (code !== 0) throw new Error(stderr);
  };
  await Deno.mkdir(folder, { recursive: true });
  await git("init", "--quiet");
  const author = ["-c", "user.name=a", "-c", "user.email=a@b"];
  await git(...author, "commit", "--quiet", "--allow-empty", "-m", "begin");
}

Deno.test({
  name:
    "a coding agent's container has its repository and no more, and is back after stop and start",
  ignore,
  fn: () =>
    withDocker(async (system, project) => {
      const packages = ["--build-arg", "AGENT_PACKAGE=@google/gemini-cli@0.61"];
      const tag = ["--tag", "ourocodus-agent-gemini:source"];
      await docker("build", "--target", "source-coding-agent", ...packages, ...tag, ROOT);
      const repo = `${await Deno.realPath(system.home.folder)}/shop`;
      await makeRepository(repo);
      const keys = `${repo}.env`;
      await Deno.writeTextFile(keys, "GEMINI_API_KEY=not-a-key\n", { mode: 0o600 });
      const start = ["agent", "start", "--session", "s", "--role", "coder", "--agent", "gemini"];
      const started = await system.ok([...start, "--repo", repo, "--env-file", keys]);
      assert.match(started, /✓ coder-1 connected/);
      const [row] = await system.json(["agent", "list"]);
      const [{ Config, HostConfig }] = JSON.parse(await docker("inspect", row.container));
      assert.equal(Config.User, `${Deno.uid()}:${Deno.gid()}`);
      const mounts = HostConfig.Mounts.map((mount: Record<string, unknown>) => [
        mount.Target,
        mount.ReadOnly ?? false,
      ]);
      assert.deepEqual([mounts[0], mounts[2]], [[repo, false], [keys, true]]);
      assert.match(mounts[1][0], /\/worktrees\/shop-[0-9a-f]{8}$/);
      assert.doesNotMatch(JSON.stringify(Config), /not-a-key/);
      await system.ok(["stop"]);
      const again = await system.ok(["start", "--docker", ...system.ports], {
        COMPOSE_PROJECT_NAME: project,
      });
      assert.match(again, /✓ coder-1 connected/);
      assert.equal((await system.json(["agent", "list"]))[0].id, row.id);
    }),
});

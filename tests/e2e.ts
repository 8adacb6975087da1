/**
 * `deno task e2e`: the whole system as its user runs it, by the command line alone: up, an agent,
 * work, its result, everything down again and nothing left. Once by processes, once in containers.
 *
 * Without a Docker engine the second is skipped, unless CI asks for it.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  docker,
  findDocker,
  freePort,
  isRunning,
  type ProcessOutput,
  ROOT,
  runProcess,
  testBinary,
} from "./support/mod.ts";

const engine = await findDocker();
if (engine?.compose === undefined && Deno.env.get("CI")) {
  throw new Error("There is no Docker engine with Compose; CI must have one");
}
const SLOW_MS = 600_000;

Deno.test("the whole scenario by processes: nothing is left running", async () => {
  await using system = await System.create({ NATS_SERVER: (await testBinary()).path });
  const ports = portFlags();
  await system.scenario(["start", ...ports]);
  const running = await Promise.all(system.pids.map(isRunning));
  assert.ok(running.length >= 4, "status names the processes");
  assert.deepEqual(system.pids.filter((_, index) => running[index]), []);
});

Deno.test({
  name: "the whole scenario in containers: nothing is left but the volumes, and those if asked",
  ignore: engine?.compose === undefined,
  async fn() {
    const project = `ourocodus-e2e-${Deno.pid}`;
    await using system = await System.create({
      COMPOSE_PROJECT_NAME: project,
    });
    const ports = portFlags();
    const start = ["start", "--docker", ...ports];
    await system.scenario(start);
    assert.deepEqual(await leftOf(project), [`volume ${project}_nats`, `volume ${project}_secret`]);
    await system.ourocodus(start);
    const tail = await system.ourocodus(["tail", "results", "--session", "test", "--no-follow"]);
    assert.match(tail.stdout, /hello/, "results survive in the volume");
    await system.ourocodus(["stop", "--volumes"]);
    assert.deepEqual(await leftOf(project), []);
  },
});

/** A system with a home of its own. */
class System implements AsyncDisposable {
  /** Of its parts and agents, where they are processes. */
  readonly pids: number[] = [];
  readonly #home: string;
  readonly #env: Record<string, string>;

  static async create(env: Record<string, string>): Promise<System> {
    return new System(await Deno.makeTempDir({ prefix: "ourocodus-e2e-" }), env);
  }

  constructor(home: string, env: Record<string, string>) {
    this.#home = home;
    this.#env = { ...env, OUROCODUS_HOME: home, NO_COLOR: "1" };
  }

  /** Starts, does the main job as the README says it, and stops. */
  async scenario(start: readonly string[]): Promise<void> {
    await this.ourocodus(start);
    const again = await this.ourocodus(start);
    assert.match(again.stdout + again.stderr, /already/);
    await this.ourocodus(["agent", "start", "--session", "test", "--role", "test"]);
    const list = await this.ourocodus(["agent", "list"]);
    assert.match(list.stdout, /connected/);
    const sent = await this.ourocodus([
      ...["send", "work", "--session", "test", "--message", "hello", "--wait", "--timeout", "30s"],
    ]);
    assert.match(sent.stdout, /"message": "hello"/);
    const tail = await this.ourocodus(["tail", "results", "--session", "test", "--no-follow"]);
    assert.match(tail.stdout, /hello/);
    const status = await this.ourocodus(["status", "--json"]);
    this.pids.push(...pidsIn(JSON.parse(status.stdout)));
    await this.ourocodus(["agent", "stop", "--session", "test"]);
    await this.ourocodus(["stop"]);
  }

  /** Runs a command. @throws {Error} If it fails; with its output. */
  async ourocodus(args: readonly string[]): Promise<ProcessOutput> {
    const done = await runProcess(
      Deno.execPath(),
      ["run", "-q", "-A", `${ROOT}/cli/main.ts`, ...args],
      { name: "ourocodus", env: this.#env, timeoutMs: SLOW_MS },
    );
    const command = `ourocodus ${args.join(" ")}`;
    assert.equal(done.code, 0, `${command} ended with ${done.code}:\n${done.stdout}${done.stderr}`);
    return done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Only a system in Docker has volumes.
    for (const flags of [["--now", "--volumes"], ["--now"]]) {
      await runProcess(
        Deno.execPath(),
        ["run", "-q", "-A", `${ROOT}/cli/main.ts`, "stop", ...flags],
        { name: "ourocodus", env: this.#env, timeoutMs: SLOW_MS },
      );
    }
    await Deno.remove(this.#home, { recursive: true });
  }
}

/** Flags of `start` for ports that nobody has. */
function portFlags(): string[] {
  return ["--nats-port", "--port", "--api-port"].flatMap((flag) => [flag, String(freePort())]);
}

/** Every `pid` in a JSON value. */
function pidsIn(value: unknown): number[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === "pid" && typeof inner === "number" ? [inner] : pidsIn(inner)
  );
}

/** What there is of a project: containers, networks and volumes. */
async function leftOf(project: string): Promise<string[]> {
  const filter = ["--filter", `name=${project}`];
  const lists = await Promise.all([
    docker(["ps", "--all", ...filter, "--format", "container {{.Names}}"]),
    docker(["network", "ls", ...filter, "--format", "network {{.Name}}"]),
    docker(["volume", "ls", ...filter, "--format", "volume {{.Name}}"]),
  ]);
  return lists.flatMap((list) => list.split("\n").filter(Boolean)).sort();
}

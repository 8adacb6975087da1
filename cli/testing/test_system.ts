import { findHome, type Home, readState, type SystemState } from "@ourocodus/system";
import {
  freePort,
  type ProcessOutput,
  ROOT,
  runProcess,
  startProcess,
} from "../../tests/support/mod.ts";
import type { TestProcess } from "../../tests/support/mod.ts";
import { testBinary } from "../../tests/support/mod.ts";

/** A home in a temporary folder, with ports of its own. Disposing of it stops what runs there. */
export class TestSystem implements AsyncDisposable {
  readonly home: Home;
  readonly natsPort = freePort();
  readonly relayPort = freePort();
  readonly apiPort = freePort();
  readonly #folder: string;
  readonly #env: Record<string, string>;

  static async create(): Promise<TestSystem> {
    const { path } = await testBinary();
    return new TestSystem(await Deno.makeTempDir({ prefix: "ourocodus-system-" }), path);
  }

  private constructor(folder: string, natsServer: string) {
    this.#folder = folder;
    this.#env = {
      OUROCODUS_HOME: `${folder}/home`,
      NATS_SERVER: natsServer,
      NATS_URL: "",
      RELAY_URL: "",
    };
    this.home = findHome(new Map(Object.entries(this.#env)));
  }

  /** The flags that choose the ports. */
  get ports(): string[] {
    const [nats, relay, api] = [this.natsPort, this.relayPort, this.apiPort].map(String);
    return ["--nats-port", nats ?? "", "--port", relay ?? "", "--api-port", api ?? ""];
  }

  /** Runs a command line to its end. */
  run(args: readonly string[], env: Record<string, string> = {}): Promise<ProcessOutput> {
    return runProcess(Deno.execPath(), [...CLI, ...args], {
      name: `ourocodus ${args.join(" ")}`,
      env: { ...this.#env, ...env },
      cwd: this.#folder,
      timeoutMs: 120_000,
    });
  }

  /** The same, which has to end with 0. @returns What it printed. */
  async ok(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, env);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Starts a command line. */
  begin(args: readonly string[]): TestProcess {
    return startProcess(Deno.execPath(), [...CLI, ...args], {
      name: `ourocodus ${args.join(" ")}`,
      env: this.#env,
      cwd: this.#folder,
    });
  }

  /** `start` on the ports of its own. */
  start(): Promise<string> {
    return this.ok(["start", ...this.ports]);
  }

  /** What `--json` prints. */
  // deno-lint-ignore no-explicit-any
  async json(args: readonly string[]): Promise<any> {
    return JSON.parse((await this.run([...args, "--json"])).stdout);
  }

  /** What the state file says. @throws {Error} If there is none. */
  async state(): Promise<SystemState> {
    const state = await readState(this.home);
    if (state === undefined) throw new Error("there is no state file");
    return state;
  }

  /** The pid of a process that is kept. @throws {Error} If it does not run. */
  async pid(name: string): Promise<number> {
    const { supervisor, processes } = await this.state();
    if (name === "supervisor") return supervisor.identity.pid;
    const pid = processes.find(({ spec }) => spec.name === name)?.identity?.pid;
    if (pid === undefined) throw new Error(`${name} does not run`);
    return pid;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.run(["stop", "--now"]);
    await Deno.remove(this.#folder, { recursive: true });
  }
}

const CLI = ["run", "--quiet", "--allow-all", `${ROOT}/cli/main.ts`];

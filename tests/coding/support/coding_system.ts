/**
 * What a test of coding agents needs: a nats-server, a relay, the model's double, a repository, and
 * the agent program, each a process of its own, and the command line.
 *
 * @module
 */
import { join } from "node:path";
import { type ModelDouble, startModelDouble } from "../../model_double/mod.ts";
import {
  freePort,
  type ProcessOutput,
  type RelayProcess,
  ROOT,
  runCli,
  startNats,
  startProcess,
  startRelay,
  type TestNats,
  type TestProcess,
  until,
} from "../../support/mod.ts";
import { GitRepository } from "../../support/git_repository.ts";
import type { AgentHome, TestCodingAgent } from "../../support/coding_agents/mod.ts";

/** What a {@linkcode CodingSystem} is made of. */
export interface CodingSystemOptions {
  /** The files of the repository. */
  readonly files?: Readonly<Record<string, string>>;
  /** Settings of the relay; a lost agent's work is handed out again after 2 s. */
  readonly relayEnv?: Readonly<Record<string, string>>;
}

/** How an agent program is started. */
export interface CodingAgentOptions {
  /** Further flags of `coding`; `--permissions all` by default. */
  readonly flags?: readonly string[];
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to wait until it is connected; default true. */
  readonly wait?: boolean;
}

/** What came of a work item. */
export interface Outcome {
  /** `result` or `error`. */
  readonly type: string;
  // deno-lint-ignore no-explicit-any
  readonly payload: any;
  /** The work item's sequence. */
  readonly sequence: number;
}

/** How long a work item, or the start of an agent, may take on a busy machine, in milliseconds. */
export const SLOW_MS = 240_000;

/** A whole system with one repository. Disposing of it ends and removes everything. */
export class CodingSystem implements AsyncDisposable {
  readonly session = "s";
  readonly role = "r";
  readonly nats: TestNats;
  readonly double: ModelDouble;
  readonly repository: GitRepository;
  /** The folder of all worktrees, records, patches. */
  readonly worktrees: string;
  readonly #folder: string;
  readonly #relayEnv: Readonly<Record<string, string>>;
  readonly #stack: AsyncDisposableStack;
  readonly #homes = new Map<string, AgentHome>();
  #relay: RelayProcess;

  /** Starts all but agents. */
  static async start(options: CodingSystemOptions = {}): Promise<CodingSystem> {
    await using stack = new AsyncDisposableStack();
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "ourocodus-coding-" }));
    stack.defer(() => Deno.remove(folder, { recursive: true }));
    const repository = stack.use(await GitRepository.create(options.files));
    const double = stack.use(await startModelDouble());
    const nats = stack.use(await startNats());
    const relayEnv = { ACK_WAIT_SECONDS: "2", LEASE_GRACE_SECONDS: "2", ...options.relayEnv };
    const relay = await startRelay({ natsUrl: nats.url, port: freePort(), env: relayEnv });
    return new CodingSystem({ folder, repository, double, nats, relay, relayEnv }, stack.move());
  }

  private constructor(
    parts: {
      readonly folder: string;
      readonly repository: GitRepository;
      readonly double: ModelDouble;
      readonly nats: TestNats;
      readonly relay: RelayProcess;
      readonly relayEnv: Readonly<Record<string, string>>;
    },
    stack: AsyncDisposableStack,
  ) {
    this.repository = parts.repository;
    this.double = parts.double;
    this.nats = parts.nats;
    this.worktrees = `${parts.folder}/worktrees`;
    this.#folder = parts.folder;
    this.#relay = parts.relay;
    this.#relayEnv = parts.relayEnv;
    this.#stack = stack;
  }

  /** The home of a coding agent, in which all its agent programs run. */
  async home(agent: TestCodingAgent): Promise<AgentHome> {
    const known = this.#homes.get(agent.name);
    if (known !== undefined) return known;
    const home = this.#stack.use(await agent.home(this.double.url));
    this.#homes.set(agent.name, home);
    return home;
  }

  /**
   * Starts an agent program of a real coding agent, and waits until it is connected.
   *
   * @returns The process; it is ended with the system.
   */
  async startAgent(agent: TestCodingAgent, options: CodingAgentOptions = {}): Promise<TestProcess> {
    const { flags = ["--permissions", "all"], env = {}, wait = true } = options;
    const { agents } = await this.health();
    const home = await this.home(agent);
    const process = await this.startProgram(["--agent", agent.name, ...flags], {
      ...home.env,
      ...env,
    });
    if (!wait) return process;
    await until(async () => {
      if (process.ended) throw process.failure("ended instead of connecting");
      return (await this.health()).agents > agents;
    }, { timeoutMs: SLOW_MS, message: `${process.name} to be connected` });
    return process;
  }

  /** Starts an agent program in the repository. @returns The process; it is ended with the system. */
  async startProgram(
    words: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<TestProcess> {
    const place = ["--repo", this.repository.folder, "--worktrees", this.worktrees];
    return this.#stack.use(startProcess(
      Deno.execPath(),
      ["run", "-A", `${ROOT}/agent/main.ts`, "coding", ...place, ...words],
      {
        name: `agent program ${words.join(" ")}`,
        env: {
          // Deno's own cache would be looked for in the home of the coding agent.
          DENO_DIR: await denoFolder(),
          OUROCODUS_HOME: `${this.#folder}/home`,
          RELAY_URL: this.#relay.url,
          SESSION_ID: this.session,
          ROLE: this.role,
          ...env,
        },
      },
    ));
  }

  /** Runs a command line. */
  cli(...args: string[]): Promise<ProcessOutput> {
    const env = { OUROCODUS_HOME: `${this.#folder}/home` };
    return runCli(args, { natsUrl: this.nats.url, env, timeoutMs: SLOW_MS });
  }

  /** Runs a command line that has to succeed. @returns What it printed. */
  async ok(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli(...args);
    if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    return stdout;
  }

  /** Sends a work item by the command line. @returns Its sequence. */
  async send(message: string, payload: Readonly<Record<string, unknown>> = {}): Promise<number> {
    const text = JSON.stringify({ message, ...payload });
    const sent = await this.ok("send", "work", ...this.#place(), "--payload", text, "--json");
    return JSON.parse(sent).sequence;
  }

  /** Waits for the outcome of a work item, by the command line. */
  async outcome(sequence: number): Promise<Outcome> {
    const asked = ["--sequence", String(sequence), ...this.#place()];
    const waited = await this.cli("work", "wait", ...asked, "--timeout", `${SLOW_MS / 1_000}s`);
    const { stdout, stderr } = await this.cli("result", ...asked, "--json");
    if (stdout === "") {
      throw new Error(`work ${sequence} has no outcome: ${waited.stderr}${stderr}`);
    }
    const { type, payload } = JSON.parse(stdout).message;
    return { type, payload, sequence };
  }

  /** Sends a work item and waits for its outcome. */
  async work(message: string, payload: Readonly<Record<string, unknown>> = {}): Promise<Outcome> {
    return await this.outcome(await this.send(message, payload));
  }

  /** What the relay says of itself. */
  async health(): Promise<{ agents: number; in_hand: number }> {
    return await (await fetch(`${this.#relay.httpUrl}/health`)).json();
  }

  /** Ends the relay as a crash does, and starts one on its port. */
  async crashRelay(): Promise<void> {
    const { port } = this.#relay;
    await this.#relay.kill();
    this.#relay = await startRelay({ natsUrl: this.nats.url, port, env: this.#relayEnv });
  }

  /** Waits until a file is in a worktree. @returns The worktree's folder. */
  async worktreeWith(path: string): Promise<string> {
    return await until(async () => {
      for await (const folder of this.#trees()) {
        if (await Deno.stat(join(folder, path)).then(() => true, () => false)) return folder;
      }
      return undefined;
    }, { timeoutMs: SLOW_MS, message: `a worktree with ${path}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#relay[Symbol.asyncDispose]();
    await this.#stack.disposeAsync();
  }

  async *#trees(): AsyncGenerator<string> {
    const trees = `${this.worktrees}/trees`;
    try {
      for await (const { name } of Deno.readDir(trees)) yield join(trees, name);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  #place(): string[] {
    return ["--session", this.session, "--role", this.role];
  }
}

let denoDir: Promise<string> | undefined;

/** The folder in which this Deno has what it fetched. */
function denoFolder(): Promise<string> {
  return denoDir ??= new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()
    .then(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)).denoDir);
}

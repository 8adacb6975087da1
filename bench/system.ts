/**
 * What is measured: a nats-server, relays and load, each in processes of its own.
 *
 * @module
 */
import { type RelayProcess, startNats, startRelay, type TestNats } from "../tests/support/mod.ts";
import type { ConnectCommand, ConnectReport } from "./load/agents.ts";
import type { ClientCommand, ClientReport } from "./load/client.ts";
import type { Contender, Load, Plan } from "./load/plan.ts";
import { type LoadProcess, startLoad } from "./load_process.ts";

/** No process holds more agents than this. */
const AGENTS_IN_A_PROCESS = 5_000;

/** A running system. Disposing of it ends all. */
export class System implements AsyncDisposable {
  readonly nats: TestNats;
  readonly relays: readonly RelayProcess[];
  readonly #plan: Plan;
  readonly #stack: AsyncDisposableStack;
  readonly #client: LoadProcess;
  #answering: LoadProcess[] = [];

  private constructor(
    stack: AsyncDisposableStack,
    nats: TestNats,
    relays: readonly RelayProcess[],
    client: LoadProcess,
    plan: Plan,
  ) {
    this.#stack = stack;
    this.nats = nats;
    this.relays = relays;
    this.#client = client;
    this.#plan = plan;
  }

  /** Starts all but agents. */
  static async start(contender: Contender, load: Load): Promise<System> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startNats());
    const relays: RelayProcess[] = [];
    if (contender !== "direct" && contender !== "durable") {
      const program = contender === "bare" ? "bench/load/bare_relay.ts" : undefined;
      const options = { natsUrl: nats.url, env: { LOG_LEVEL: "error" }, program };
      for (let relay = 0; relay < load.relays; relay++) {
        relays.push(stack.use(await startRelay(options)));
      }
    }
    const relayUrls = relays.map(({ url }) => url);
    const plan = { contender, load, natsUrl: nats.url, relayUrls };
    const client = stack.use(await startLoad("client", plan));
    return new System(stack.move(), nats, relays, client, plan);
  }

  /** Processes that answer work: agents, or the workers of a contender without a relay. */
  get answering(): readonly number[] {
    return this.#answering.map(({ pid }) => pid);
  }

  /** The process that publishes work and receives results. */
  get client(): number {
    return this.#client.pid;
  }

  /**
   * Starts the agents or workers: connected when this returns.
   *
   * @throws {Error} If an agent cannot connect.
   */
  async startAnswering(): Promise<void> {
    const { failed } = await this.connectBusy();
    if (failed > 0) throw new Error(`${failed} agents cannot connect, see the relay's limits`);
  }

  /** The same, and says how it went. */
  async connectBusy(): Promise<ConnectReport> {
    if (this.relays.length > 0) return await this.#connect("busy", this.#plan.load.agents);
    this.#answering.push(this.#stack.use(await startLoad("workers", this.#plan)));
    return { connected: this.#plan.load.agents, failed: 0, seconds: 0 };
  }

  /** Connects agents that are never given work, all at once. */
  async connectIdle(): Promise<ConnectReport> {
    return await this.#connect("idle", this.#plan.load.idle);
  }

  /** Has the client do something. */
  async ask(command: ClientCommand): Promise<ClientReport> {
    return await this.#client.ask<ClientReport>(command);
  }

  async #connect(kind: ConnectCommand["kind"], agents: number): Promise<ConnectReport> {
    const commands: ConnectCommand[] = [];
    for (let first = 0; first < agents; first += AGENTS_IN_A_PROCESS) {
      commands.push({ kind, first, count: Math.min(AGENTS_IN_A_PROCESS, agents - first) });
    }
    const processes = await Promise.all(
      commands.map(async () => this.#stack.use(await startLoad("agents", this.#plan))),
    );
    this.#answering.push(...processes);
    const reports = await Promise.all(
      processes.map((process, index) => process.ask<ConnectReport>(commands[index] ?? {})),
    );
    return reports.reduce((sum, report) => ({
      connected: sum.connected + report.connected,
      failed: sum.failed + report.failed,
      seconds: Math.max(sum.seconds, report.seconds),
    }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/**
 * What chaos strikes: a nats-server or a cluster of them, relays that reach each through a proxy,
 * agents that reach the relays through others, each program started again whenever it ends.
 *
 * @module
 */
import {
  freePort,
  NatsCluster,
  ROOT,
  startCluster,
  startNats,
  startProxy,
  type TcpProxy,
  type TestNats,
  until,
} from "../support/mod.ts";
import type { AgentProgram } from "../support/agent_program.ts";
import { KeptProgram } from "./kept_program.ts";
import { ROLE, SESSIONS } from "./pieces.ts";
import type { Step, Targets } from "./schedule.ts";

interface Relay {
  readonly program: KeptProgram;
  readonly httpUrl: string;
  /** One for each nats-server. */
  readonly toNats: readonly TcpProxy[];
  readonly toAgents: TcpProxy;
}

/** Short, so that a run sees what is lost being handed out again many times. */
const RELAY_SETTINGS = {
  ACK_WAIT_SECONDS: "3",
  LEASE_GRACE_SECONDS: "2",
  DRAIN_SECONDS: "2",
  NATS_CONNECT_TIMEOUT: "2s",
  HOST: "127.0.0.1",
  LOG_LEVEL: "warn",
};
/** The agents of each session: two of the SDK, two plain ones, one of which has no name. */
const AGENT_KINDS = ["sdk", "sdk", "plain", "nameless"] as const;
const READY_MS = 120_000;

/** How many there are of each. */
export function targets(relays: number, servers = 1): Targets {
  const kinds = SESSIONS.flatMap(() => AGENT_KINDS);
  const plainAgents = [...kinds.keys()].filter((index) => kinds[index] !== "sdk");
  return { servers, relays, agents: kinds.length, plainAgents };
}

/** The whole system. Disposing of it ends everything. */
export class ChaosSystem implements AsyncDisposable {
  /** The nats-servers. */
  readonly nats: NatsCluster;
  readonly #relays: readonly Relay[];
  readonly #agents: readonly KeptProgram[];
  readonly #stack: AsyncDisposableStack;
  /** Each nats-server's end and start, one after the other. */
  readonly #natsChanges = new Map<TestNats, Promise<void>>();

  /** Starts everything, and waits until every relay is healthy. */
  static async start(relays: number, servers = 1): Promise<ChaosSystem> {
    await using stack = new AsyncDisposableStack();
    // Relays must not learn of ways to a server that nothing can cut.
    const nats = stack.use(
      servers === 1
        ? new NatsCluster([await startNats()])
        : await startCluster(servers, { advertise: false }),
    );
    const started = Array.from({ length: relays }, () => startRelay(nats, stack));
    const url = started.map(({ toAgents }) => `ws://127.0.0.1:${toAgents.port}`);
    const agents = SESSIONS.flatMap((session) =>
      AGENT_KINDS.map((kind, n) => stack.use(startAgent(url, { session, kind, n })))
    );
    const system = new ChaosSystem(nats, started, agents, stack.move());
    await system.isWhole();
    return system;
  }

  private constructor(
    nats: NatsCluster,
    relays: readonly Relay[],
    agents: readonly KeptProgram[],
    stack: AsyncDisposableStack,
  ) {
    this.nats = nats;
    this.#relays = relays;
    this.#agents = agents;
    this.#stack = stack;
  }

  /** Breaks something. @returns What makes it whole again. */
  strike({ kind, target }: Step): () => void {
    const relay = at(this.#relays, kind.startsWith("relay") ? target : 0);
    const agent = at(this.#agents, kind.startsWith("agent") ? target : 0);
    const server = at(this.nats.servers, kind.startsWith("nats") ? target : 0);
    switch (kind) {
      case "relay kill -9":
        return end(relay.program, "SIGKILL");
      case "relay SIGTERM":
        return end(relay.program, "SIGTERM");
      case "relay SIGSTOP":
        return hang(relay.program);
      case "relay cut off from NATS":
        return cut(...relay.toNats);
      case "relay's network to NATS silent":
        for (const proxy of relay.toNats) proxy.pause();
        return () => relay.toNats.forEach((proxy) => proxy.heal());
      case "relay cut off from its agents":
        return cut(relay.toAgents);
      case "nats-server restart":
        return this.#endNats(server, () => server.stop());
      case "nats-server kill -9":
        return this.#endNats(server, () => server.kill());
      case "agent kill -9":
        return end(agent, "SIGKILL");
      case "agent SIGTERM":
        return end(agent, "SIGTERM");
      case "agent SIGSTOP":
        return hang(agent);
      case "agent's id taken by another":
        agent.replace();
        return () => {};
    }
  }

  /** Waits until all nats-servers run and every relay is connected to one. */
  async isWhole(): Promise<void> {
    await Promise.all(this.#natsChanges.values());
    if (this.nats.servers.length > 1) await this.nats.hasLeaders();
    await until(async () => {
      const healthy = await Promise.all(this.#relays.map(isHealthy));
      return healthy.every(Boolean);
    }, { timeoutMs: READY_MS, message: "all relays to be healthy" });
  }

  /** What the relays and agents that run now have written lately, for finding out what went wrong. */
  get output(): string {
    const programs = [...this.#relays.map(({ program }) => program), ...this.#agents];
    return programs.map(({ output }) => output.slice(-2_000)).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#natsChanges.values());
    await this.#stack.disposeAsync();
  }

  #endNats(server: TestNats, ending: () => Promise<void>): () => void {
    const change = (next: () => Promise<void>) => {
      const before = this.#natsChanges.get(server) ?? Promise.resolve();
      this.#natsChanges.set(server, before.then(next));
    };
    change(ending);
    return () => change(() => server.start());
  }
}

function startRelay(nats: NatsCluster, stack: AsyncDisposableStack): Relay {
  const port = freePort();
  const toNats = nats.servers.map((server) => stack.use(startProxy(server.port)));
  const toAgents = stack.use(startProxy(port));
  const env = {
    ...RELAY_SETTINGS,
    PORT: String(port),
    NATS_URL: toNats.map((proxy) => `nats://127.0.0.1:${proxy.port}`).join(","),
    OUROCODUS_REPLICAS: String(nats.servers.length),
  };
  const args = ["run", "-A", `${ROOT}/relay/main.ts`];
  const program = stack.use(new KeptProgram(() => ({ name: "relay", args, env })));
  return { program, toNats, toAgents, httpUrl: `http://127.0.0.1:${port}` };
}

function startAgent(
  relayUrls: readonly string[],
  agent: { session: string; kind: typeof AGENT_KINDS[number]; n: number },
): KeptProgram {
  const { session, kind, n } = agent;
  return new KeptProgram((generation) => {
    const name = `${session}-${n}`;
    // A plain agent that starts anew knows nothing of what it had, so it must not be the same.
    const agentId = kind === "sdk" ? name : `${name}-${generation}`;
    const program: AgentProgram = {
      relayUrl: relayUrls.join(","),
      session,
      role: ROLE,
      concurrency: 2,
      plain: kind !== "sdk",
      ...(kind !== "nameless" && { agentId }),
    };
    const script = `${ROOT}/tests/support/agent_program.ts`;
    return { name: `agent ${agentId}`, args: ["run", "-A", script, JSON.stringify(program)] };
  });
}

async function isHealthy({ httpUrl }: Relay): Promise<boolean> {
  try {
    const response = await fetch(`${httpUrl}/health`, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

function end(program: KeptProgram, signal: "SIGKILL" | "SIGTERM"): () => void {
  program.end(signal);
  return () => program.release();
}

function hang(program: KeptProgram): () => void {
  program.send("SIGSTOP");
  return () => program.send("SIGCONT");
}

function cut(...proxies: TcpProxy[]): () => void {
  for (const proxy of proxies) proxy.cut();
  return () => proxies.forEach((proxy) => proxy.heal());
}

function at<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`there is no number ${index}`);
  return found;
}

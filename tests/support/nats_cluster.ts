import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@ourocodus/bus";
import { freePort } from "./free_port.ts";
import { type NatsOptions, startNats, type TestNats } from "./nats_server.ts";
import { until } from "./until.ts";

/** What is different about the servers of a {@linkcode startCluster}. */
export interface ClusterOptions {
  /** Of each server; a store's folder has one folder for each. */
  readonly nats?: Omit<NatsOptions, "port">;
  /** Whether clients are told of servers whose URLs they do not have; default true. */
  readonly advertise?: boolean;
}

/** How long the servers may take to choose leaders, in milliseconds. */
const ELECTION_MS = 60_000;

/**
 * nats-servers that form a cluster, which start and end together, unless one is taken from
 * {@linkcode servers}. Disposing of it ends all of them.
 */
export class NatsCluster implements AsyncDisposable {
  /** The servers, which restart on their ports and stores. */
  readonly servers: readonly TestNats[];

  /** Use {@linkcode startCluster}. */
  constructor(servers: readonly TestNats[]) {
    this.servers = servers;
  }

  /** All servers' URLs, with commas between them. */
  get url(): string {
    return this.servers.map(({ url }) => url).join(",");
  }

  /** The port of the first one. */
  get port(): number {
    const [first] = this.servers;
    if (first === undefined) throw new Error("The cluster has no server");
    return first.port;
  }

  /** The server of this name. */
  named(name: string): TestNats {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new Error(`No server is called ${name}`);
    return found;
  }

  /** Starts all, and waits until JetStream, and each stream that there is, has a leader. */
  async start(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.start()));
    await this.hasLeaders();
  }

  /** Ends all with SIGTERM, and waits until they have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.stop()));
  }

  /** Ends all with SIGKILL, and waits until they have ended. */
  async kill(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.kill()));
  }

  /** Sends all a signal. */
  send(signal: Deno.Signal): void {
    for (const server of this.servers) server.send(signal);
  }

  /** Waits until JetStream, and each stream that there is, has a leader. */
  async hasLeaders(): Promise<void> {
    await using connection = await connect({ url: this.url, name: "test" });
    await until(async () => {
      try {
        const manager = await jetstreamManager(connection.nats, { timeout: 2_000 });
        const streams = await Array.fromAsync(manager.streams.list());
        return streams.every(({ cluster }) => cluster?.leader !== undefined);
      } catch {
        return false;
      }
    }, { timeoutMs: ELECTION_MS, message: "JetStream and its streams to have leaders" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** Starts a cluster, and waits until its JetStream has a leader. @param size How many servers. */
export async function startCluster(size = 3, options: ClusterOptions = {}): Promise<NatsCluster> {
  const { nats = {}, advertise = true } = options;
  const routes = Array.from({ length: size }, () => freePort());
  const all = routes.map((port) => `nats-route://127.0.0.1:${port}`).join(", ");
  const servers = await Promise.all(
    routes.map((port, n) =>
      startNats({
        ...nats,
        ...(nats.storeDir !== undefined && { storeDir: `${nats.storeDir}/${n}` }),
        config: `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${all}], ` +
          `no_advertise: ${!advertise} }\n${nats.config ?? ""}`,
      })
    ),
  );
  const cluster = new NatsCluster(servers);
  await cluster.hasLeaders();
  return cluster;
}

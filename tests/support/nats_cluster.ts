import { type ClusterInfo, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@ourocodus/bus";
import { freePort } from "./free_port.ts";
import { type NatsOptions, startNats, type TestNats } from "./nats_server.ts";
import { until } from "./until.ts";

/** What may be different about a server. */
type ServerOptions = Omit<NatsOptions, "port">;

/** What is different about the servers of a {@linkcode startCluster}. */
export interface ClusterOptions {
  /** Of all servers, whose folders are within `storeDir`; or of each, by its number from 0. */
  readonly nats?: ServerOptions | ((server: number) => ServerOptions | undefined);
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
    await this.#untilEachStream(
      ({ leader }) => leader !== undefined,
      "JetStream and its streams to have leaders",
    );
  }

  /** Waits until each copy of each stream is up to date. */
  async isCurrent(): Promise<void> {
    await this.#untilEachStream(
      ({ leader, replicas = [] }) =>
        leader !== undefined && replicas.length === this.servers.length - 1 &&
        replicas.every(({ current }) => current),
      "all copies of all streams to be up to date",
    );
  }

  async #untilEachStream(is: (cluster: ClusterInfo) => boolean, message: string): Promise<void> {
    await using connection = await connect({ url: this.url, name: "test" });
    await until(async () => {
      try {
        const manager = await jetstreamManager(connection.nats, { timeout: 2_000 });
        const streams = await Array.fromAsync(manager.streams.list());
        return streams.every(({ cluster }) => cluster !== undefined && is(cluster));
      } catch {
        return false;
      }
    }, { timeoutMs: ELECTION_MS, message });
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
  const servers = await Promise.all(routes.map((port, n) => {
    const { storeDir, config = "", ...rest } = (typeof nats === "function" ? nats(n) : nats) ?? {};
    const cluster = `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${all}], ` +
      `no_advertise: ${!advertise} }`;
    return startNats({
      ...rest,
      ...(storeDir !== undefined && { storeDir: `${storeDir}/${n}` }),
      config: `${cluster}\n${config}`,
    });
  }));
  const cluster = new NatsCluster(servers);
  await cluster.hasLeaders();
  return cluster;
}

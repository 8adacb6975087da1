import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@ourocodus/bus";
import { freePort } from "./free_port.ts";
import { startNats, type TestNats } from "./nats_server.ts";
import { until } from "./until.ts";

/** nats-servers that form a cluster. Disposing of it ends all of them. */
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

  /** The server of this name. */
  named(name: string): TestNats {
    const found = this.servers.find((server) => server.name === name);
    if (found === undefined) throw new Error(`No server is called ${name}`);
    return found;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.servers.map((server) => server[Symbol.asyncDispose]()));
  }
}

/** Starts a cluster, and waits until its JetStream has a leader. @param size How many servers. */
export async function startCluster(size = 3): Promise<NatsCluster> {
  const routes = Array.from({ length: size }, () => freePort());
  const all = routes.map((port) => `nats-route://127.0.0.1:${port}`).join(", ");
  const servers = await Promise.all(
    routes.map((port) =>
      startNats({ config: `cluster { name: test, listen: "127.0.0.1:${port}", routes: [${all}] }` })
    ),
  );
  const cluster = new NatsCluster(servers);
  await using connection = await connect({ url: cluster.url, name: "test" });
  const message = "JetStream to have a leader";
  await until(async () => {
    const manager = await jetstreamManager(connection.nats, { timeout: 2_000 }).catch(() => {});
    return manager !== undefined;
  }, { timeoutMs: 60_000, message });
  return cluster;
}

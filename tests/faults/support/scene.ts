import { askRelays } from "@ourocodus/ops";
import {
  Books,
  BusClient,
  type NatsCluster,
  type NatsOptions,
  type RelayProcess,
  SocketAgent,
  type SocketAgentOptions,
  startCluster,
  startNats,
  startRelay,
  type TestNats,
  until,
} from "../../support/mod.ts";
import { SERVERS } from "./record.ts";

/** What a {@linkcode Scene} is made of. */
export interface SceneOptions {
  /** Settings of the relays; the time until a dead relay's work is handed out again is 2 s. */
  readonly env?: Readonly<Record<string, string>>;
  /** How many relays; 1 by default. */
  readonly relays?: number;
  /** What is different about the nats-server, or about each of several. */
  readonly nats?: Omit<NatsOptions, "port">;
}

/** What relays on a cluster are started with. */
const CLUSTERED: Readonly<Record<string, string>> = SERVERS === 1
  ? {}
  : { OUROCODUS_REPLICAS: String(SERVERS), NATS_CONNECT_TIMEOUT: "30s" };

/** Starts what keeps a scene's streams. */
function startServers(nats: SceneOptions["nats"]): Promise<TestNats | NatsCluster> {
  // A relay that is cut off must not be told of ways around that.
  return SERVERS === 1 ? startNats(nats) : startCluster(SERVERS, { nats, advertise: false });
}

/**
 * A nats-server, relays, and a client that keeps the books. In a run on several nats-servers they
 * are a cluster, start and end together, and keep each stream on all of them.
 */
export class Scene implements AsyncDisposable {
  /** The session of everything. */
  readonly session = "s";
  /** The role of everything. */
  readonly role = "r";
  readonly nats: TestNats | NatsCluster;
  readonly relays: RelayProcess[];
  readonly client: BusClient;
  readonly books: Books;
  readonly env: Readonly<Record<string, string>>;
  readonly #stack: AsyncDisposableStack;

  /** Starts everything. */
  static async start(options: SceneOptions = {}): Promise<Scene> {
    await using stack = new AsyncDisposableStack();
    const nats = stack.use(await startServers(options.nats));
    const env = { ACK_WAIT_SECONDS: "2", LEASE_GRACE_SECONDS: "2", ...CLUSTERED, ...options.env };
    const client = stack.use(await BusClient.connect(nats.url, { replicas: SERVERS }));
    const count = options.relays ?? 1;
    const starting = Array.from({ length: count }, () => startRelay({ natsUrl: nats.url, env }));
    const relays = await Promise.all(starting);
    return new Scene(nats, relays, client, env, stack.move());
  }

  private constructor(
    nats: TestNats | NatsCluster,
    relays: RelayProcess[],
    client: BusClient,
    env: Readonly<Record<string, string>>,
    stack: AsyncDisposableStack,
  ) {
    this.nats = nats;
    this.relays = relays;
    this.client = client;
    this.env = env;
    this.books = new Books(client);
    this.#stack = stack;
  }

  /** The first relay. */
  get relay(): RelayProcess {
    const [first] = this.relays;
    if (first === undefined) throw new Error("the scene has no relay");
    return first;
  }

  /** Where agents connect: all relays, with commas between them. */
  get relayUrl(): string {
    return this.relays.map(({ url }) => url).join(",");
  }

  /** Sends work and books it. */
  async send(id: string, payload: object = {}): Promise<number> {
    return await this.books.send(this.session, this.role, id, payload);
  }

  /** Waits until so many results are stored. */
  async answered(count: number): Promise<void> {
    await this.client.hasResults(this.session, count, 60_000);
  }

  /** Starts the relay at this place again, on its port. */
  async restart(index: number): Promise<void> {
    const old = this.relays[index];
    if (old === undefined) throw new RangeError(`there is no relay ${index}`);
    const { port } = old;
    this.relays[index] = await startRelay({ natsUrl: this.nats.url, port, env: this.env });
  }

  /** Connects an agent of a bare WebSocket that answers its work at once, unless asked otherwise. */
  async agent(options: Partial<SocketAgentOptions> = {}): Promise<SocketAgent> {
    return await SocketAgent.connect({
      relayUrl: this.relay.url,
      session: this.session,
      role: this.role,
      onWork: (work, agent) => agent.answer(work, { by: "heir" }),
      ...options,
    });
  }

  /** The number of the relay that an agent is connected to, from 0; undefined if it is at none. */
  async relayOf(agentId: string): Promise<number | undefined> {
    const { agents } = await askRelays(this.client.connection, { session: this.session });
    const found = agents.find((agent) => agent.agent_id === agentId);
    if (found === undefined) return undefined;
    for (const [index, { httpUrl }] of this.relays.entries()) {
      const health = await fetch(`${httpUrl}/health`).then((it) => it.json(), () => undefined);
      if (health?.relay_id === found.relay_id) return index;
    }
    return undefined;
  }

  /** Waits until an agent is connected to a relay. @returns The relay. */
  async hasAgent(agentId: string): Promise<RelayProcess> {
    const message = `agent ${agentId} to be at a relay`;
    return await until(async () => {
      const index = await this.relayOf(agentId);
      return index === undefined ? undefined : this.relays[index];
    }, { message, timeoutMs: 60_000 });
  }

  /** Waits until the first relay has so many agents. */
  async hasAgents(count: number): Promise<void> {
    await until(async () => (await this.health()).agents === count, {
      message: `the relay to have ${count} agents`,
      timeoutMs: 60_000,
    });
  }

  /** What the first relay says of itself. */
  async health(): Promise<{ agents: number; in_hand: number; held_bytes: number; nats: string }> {
    return await (await fetch(`${this.relay.httpUrl}/health`)).json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.relays.map((relay) => relay[Symbol.asyncDispose]()));
    await this.#stack.disposeAsync();
  }
}

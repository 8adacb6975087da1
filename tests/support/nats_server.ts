import { findNatsServer, natsGreeting, type NatsServer } from "../../setup/mod.ts";
import { freePort } from "./free_port.ts";
import { startProcess, type TestProcess } from "./processes.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startNats}. */
export interface NatsOptions {
  /** Whether JetStream is on; default true. */
  readonly jetstream?: boolean;
  /** Text of a configuration file; ports, store and JetStream need not be in it. */
  readonly config?: string;
  /** Folder of JetStream's store; default a temporary one, removed in the end. */
  readonly storeDir?: string;
  /** The port; default a free one. */
  readonly port?: number;
  /** A command that runs the command after it in its own place, with the same process id. */
  readonly launcher?: readonly string[];
}

/** How long a nats-server may take to accept connections or to end, in milliseconds. */
const TIMEOUT_MS = 20_000;

/** A real nats-server on 127.0.0.1. Disposing of it ends it and removes its store. */
export class TestNats implements AsyncDisposable {
  /** Its port, which stays the same when it restarts. */
  readonly port: number;
  /** Its URL without credentials: `nats://127.0.0.1:{port}`. */
  readonly url: string;
  /** The version of the binary, without `v`. */
  readonly version: string;
  /** Folder of JetStream's store. */
  readonly storeDir: string;

  readonly #command: string;
  readonly #args: readonly string[];
  readonly #jetstream: boolean;
  readonly #folder: string;
  #process: TestProcess | undefined;

  /** Use {@linkcode startNats}. */
  constructor(binary: NatsServer, folder: string, options: NatsOptions) {
    const { jetstream = true, config, storeDir = `${folder}/store`, port = freePort() } = options;
    const [command, ...launching] = [...options.launcher ?? [], binary.path];
    this.port = port;
    this.url = `nats://127.0.0.1:${port}`;
    this.version = binary.version;
    this.storeDir = storeDir;
    this.#command = command ?? binary.path;
    this.#folder = folder;
    this.#jetstream = jetstream;
    this.#args = [
      ...launching,
      ...["--addr", "127.0.0.1", "--port", String(port), "--name", this.name],
      ...(config === undefined ? [] : ["--config", this.#configFile]),
      ...(jetstream ? ["--jetstream", "--store_dir", storeDir] : []),
    ];
    if (config !== undefined) Deno.writeTextFileSync(this.#configFile, config);
  }

  /** A name of its own, by which its greeting is told from another server's. */
  get name(): string {
    return `test-${this.port}-${Deno.pid}${this.#jetstream ? "" : "-core"}`;
  }

  /** Its process id. */
  get pid(): number {
    return this.#running.pid;
  }

  /** What it has logged since it was last started. */
  get log(): string {
    return this.#process?.stderr ?? "";
  }

  /** Starts it, and waits until it accepts connections. */
  async start(): Promise<void> {
    if (this.#process && !this.#process.ended) throw new Error("nats-server runs already");
    const child = startProcess(this.#command, this.#args, { name: "nats-server" });
    this.#process = child;
    try {
      await until(async () => {
        if (child.ended) throw child.failure("ended instead of accepting connections");
        return (await natsGreeting(this.port))?.server_name === this.name;
      }, { timeoutMs: TIMEOUT_MS, message: `nats-server to accept connections at ${this.url}` });
    } catch (error) {
      await child.kill();
      throw error;
    }
  }

  /** Ends it with SIGTERM and waits until it has ended; its port and store stay reserved. */
  async stop(): Promise<void> {
    await this.#running.stop({ timeoutMs: TIMEOUT_MS });
  }

  /** Ends it with SIGKILL, as a crash does, and waits until it has ended. */
  async kill(): Promise<void> {
    await this.#running.kill();
  }

  /** Stops it, unless it is stopped, and starts it again with its port and store. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Sends it a signal: SIGSTOP makes it hang, SIGCONT go on. */
  send(signal: Deno.Signal): void {
    this.#running.send(signal);
  }

  /** Makes it hang until it is sent SIGCONT, and waits until it does. */
  async freeze(): Promise<void> {
    await this.#running.freeze();
  }

  /** Ends it and removes its temporary folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.kill();
    await Deno.remove(this.#folder, { recursive: true });
  }

  get #running(): TestProcess {
    if (!this.#process) throw new Error("nats-server was not started");
    return this.#process;
  }

  get #configFile(): string {
    return `${this.#folder}/nats.conf`;
  }
}

/** How often to choose another port if somebody took the free one in the meantime. */
const MAX_TRIES = 5;

let found: Promise<NatsServer | undefined> | undefined;

/**
 * Finds the nats-server that tests use: `NATS_SERVER`, which `deno task test` sets, else what
 * set-up finds without installing anything.
 *
 * @returns The binary.
 * @throws {Error} If there is none; the message says what to run.
 */
export async function testBinary(): Promise<NatsServer> {
  const binary = await (found ??= findNatsServer({ env: Deno.env.toObject() }));
  if (!binary) throw new Error("No nats-server found: run deno task setup");
  return binary;
}

/**
 * Starts a real nats-server on 127.0.0.1, with JetStream and a temporary store of its own.
 *
 * @param options What is different.
 * @returns The server, once it accepts connections; dispose of it with `await using`.
 * @throws {Error} If it does not start; with its log.
 */
export async function startNats(options: NatsOptions = {}): Promise<TestNats> {
  const binary = await testBinary();
  const folder = await Deno.makeTempDir({ prefix: "ourocodus-nats-" });
  for (let tries = 1;; tries++) {
    const server = new TestNats(binary, folder, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      const taken = options.port === undefined && server.log.includes("address already in use");
      if (taken && tries < MAX_TRIES) continue;
      await Deno.remove(folder, { recursive: true });
      throw error;
    }
  }
}

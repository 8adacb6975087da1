import { ensureNatsServer, natsGreeting, type NatsServer } from "@ourocodus/setup";
import { join } from "node:path";
import { DemoError } from "./demo_error.ts";
import { Keeper } from "./keeper.ts";
import { Part } from "./part.ts";
import { onFreePort, PortTakenError } from "./port.ts";
import type { Screen } from "./screen.ts";
import { waitFor } from "./wait.ts";

/** Options of {@linkcode runDemo}. */
export interface DemoOptions {
  /** The repository's root. */
  readonly root: string;
  /** The environment; what it says of NATS, sessions and ports is not handed on. */
  readonly env: Readonly<Record<string, string>>;
  /** Ends it as soon as the result is shown. */
  readonly once: boolean;
  /** What the user sees. */
  readonly screen: Screen;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Ends its parts at once, without letting them finish. */
  readonly hurry: AbortSignal;
  /** The wanted ports; default {@linkcode WANTED_PORTS}. */
  readonly ports?: DemoPorts;
}

/** The ports of a demo. */
export type DemoPorts = Readonly<Record<"nats" | "relay" | "api", number>>;

/** The ports that the commands use where nothing is set. */
export const WANTED_PORTS = { nats: 4222, relay: 8080, api: 9000 } as const;

/** How long a part may take to be ready, in milliseconds: the first start may fetch packages. */
const READY_MS = 60_000;

/** How long each part may take to end, in milliseconds. */
const STOP_MS = 5_000;

/** How many of its last lines are shown of a part that failed. */
const SHOWN_LINES = 12;

/** Variables of the user's environment that would lead the parts elsewhere. */
const NOT_HANDED_ON =
  /^(NATS_.*|OUROCODUS_.*|PORT|HOST|RELAY_URL|SESSION_ID|ROLE|AGENT_ID|CONCURRENCY|LOG_LEVEL)$/;

/**
 * Runs nats-server, a relay, the API and an echo agent, sends work, and shows the result and what to try
 * next; then waits until it is ended, unless it runs once. Nothing it started is left afterwards,
 * however it ends.
 *
 * @param options How, and for whom.
 * @throws {DemoError} If a part does not start or ends by itself; with the end of its log.
 * @throws {SetupError} If there is no nats-server and none can be had.
 * @throws The signal's reason, if it is aborted before the result is shown.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { env, screen, signal } = options;
  const binary = await ensureNatsServer({ env, say: (line) => screen.step(line), signal });
  await using demo = await Demo.create(options);
  await demo.start(binary);
  await demo.send();
  demo.showNext();
  if (!options.once) await demo.untilEnded();
}

class Demo implements AsyncDisposable {
  readonly #options: DemoOptions;
  readonly #folder: string;
  readonly #keeper: Keeper;
  /** In the order of their start. */
  readonly #parts: Part[] = [];
  /** Aborted when the demo is ended or a part ends by itself. */
  readonly #ending = new AbortController();
  readonly #wanted: DemoPorts;
  #ports: DemoPorts;

  static async create(options: DemoOptions): Promise<Demo> {
    return new Demo(options, await Deno.makeTempDir({ prefix: "ourocodus-demo-" }));
  }

  constructor(options: DemoOptions, folder: string) {
    this.#options = options;
    this.#folder = folder;
    this.#keeper = new Keeper(folder);
    this.#wanted = options.ports ?? WANTED_PORTS;
    this.#ports = this.#wanted;
    const { signal, hurry } = options;
    const end = () => this.#ending.abort(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    hurry.addEventListener("abort", () => this.#parts.forEach((part) => part.send("SIGKILL")));
  }

  async start(binary: NatsServer): Promise<void> {
    const { screen } = this.#options;
    screen.line();
    const nats = await this.#startNats(binary);
    const relay = await this.#startRelay(nats);
    const api = await this.#startApi(nats);
    this.#ports = { nats, relay, api };
    await this.#startAgent(relay);
    screen.line();
  }

  /** Sends work with the command line, as a user would. */
  async send(): Promise<void> {
    const { screen } = this.#options;
    const message = "hello";
    const args = ["send", "work", "--session", "demo", "--role", "echo", "--message", message];
    screen.heading("A client sends work and waits for the result:");
    screen.line();
    screen.command(this.#cli([...args, "--wait"].join(" ")));
    screen.line();
    const start = performance.now();
    await this.#run([...args, "--wait"]);
    const seconds = ((performance.now() - start) / 1000).toFixed(2);
    screen.line();
    screen.step(`That took ${seconds} s, with the start of the command.`);
    screen.line();
  }

  showNext(): void {
    const { screen, once } = this.#options;
    screen.heading(
      once
        ? `Next: ${this.#deno()} task demo keeps all this running. Then, in another terminal:`
        : "Try next, in another terminal:",
    );
    screen.line();
    screen.command(this.#cli(`send work --session demo --role echo --message "me again" --wait`));
    screen.command(this.#cli("tail results --session demo"), "what agents answered");
    screen.command(this.#cli("tail events --session demo"), "what happened");
    if (!once) screen.link(`http://127.0.0.1:${this.#ports.api}`, "the monitor, in a browser");
    const relay = this.#setting("RELAY_URL", "ws://127.0.0.1", "relay");
    screen.command(
      `${relay}SESSION_ID=demo ROLE=echo ${this.#deno()} task agent`,
      "one more agent",
    );
    screen.line();
  }

  async untilEnded(): Promise<void> {
    const { screen, signal } = this.#options;
    screen.heading("All of it runs until you press Ctrl-C.");
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ending.signal.addEventListener("abort", () => resolve());
    if (!this.#ending.signal.aborted) await promise;
    if (!signal.aborted) throw this.#ending.signal.reason;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { screen, hurry, signal } = this.#options;
    // From now on parts may end.
    this.#ending.abort(signal.reason);
    screen.line();
    const names = this.#parts.map(({ name }) => name).reverse().join(", ");
    try {
      for (const part of this.#parts.toReversed()) await part.stop(hurry.aborted ? 0 : STOP_MS);
      await Deno.remove(this.#folder, { recursive: true });
    } finally {
      await this.#keeper[Symbol.asyncDispose]();
    }
    if (names !== "") screen.step(`Stopped ${names}; nothing is left running`);
  }

  async #startNats({ path, version }: NatsServer): Promise<number> {
    const name = `ourocodus-demo-${crypto.randomUUID()}`;
    const store = join(this.#folder, "store");
    const port = await this.#onFreePort(this.#wanted.nats, async (port) => {
      const where = ["--addr", "127.0.0.1", "--port", String(port), "--name", name];
      const args = [...where, "--jetstream", "--store_dir", store];
      const part = await this.#startPart("nats-server", path, args, {});
      // Another demo's server may have been faster to take the port.
      return { part, isReady: async () => (await natsGreeting(port))?.server_name === name };
    });
    const remark = `${this.#instead("nats", port)}JetStream, in a temporary folder`;
    this.#options.screen.part(`nats-server ${version}`, `nats://127.0.0.1:${port}`, remark);
    return port;
  }

  async #startRelay(nats: number): Promise<number> {
    const port = await this.#onFreePort(this.#wanted.relay, async (port) => {
      const part = await this.#startDeno("relay", "relay/main.ts", {
        NATS_URL: `nats://127.0.0.1:${nats}`,
        HOST: "127.0.0.1",
        PORT: String(port),
        DRAIN_SECONDS: "3",
      });
      // Another demo's relay may have been faster to take the port.
      return { part, isReady: async () => part.log.includes(await relayId(port) ?? "\0") };
    });
    const remark = `${this.#instead("relay", port)}hands work to agents`;
    this.#options.screen.part("relay", `ws://127.0.0.1:${port}`, remark);
    return port;
  }

  async #startApi(nats: number): Promise<number> {
    const { root, screen } = this.#options;
    await this.#buildMonitor(join(root, "web/ensure.ts"));
    const port = await this.#onFreePort(this.#wanted.api, async (port) => {
      const part = await this.#startDeno("api", "api/main.ts", {
        NATS_URL: `nats://127.0.0.1:${nats}`,
        HOST: "127.0.0.1",
        PORT: String(port),
      });
      // Another demo's API may have been faster to take the port: ours says that it listens.
      return {
        part,
        isReady: async () => part.log.includes("API and monitor on") && await answers(port),
      };
    });
    const remark = `${this.#instead("api", port)}the monitor: open it in a browser`;
    screen.part("api", `http://127.0.0.1:${port}`, remark);
    return port;
  }

  /** Without its bundle the API answers all the same, and says what is missing. */
  async #buildMonitor(script: string): Promise<void> {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--allow-all", script],
      env: this.#environment(),
      clearEnv: true,
      signal: this.#ending.signal,
    }).output();
    this.#ending.signal.throwIfAborted();
    if (code !== 0) {
      const why = new TextDecoder().decode(stderr).trim().split("\n").at(-1);
      this.#options.screen.step(`The monitor could not be built: ${why}`);
    }
  }

  async #startAgent(relay: number): Promise<void> {
    const { screen } = this.#options;
    const part = await this.#startDeno("echo agent", "agent/main.ts", {
      RELAY_URL: `ws://127.0.0.1:${relay}`,
      SESSION_ID: "demo",
      ROLE: "echo",
    });
    await this.#ready(part, async () => ((await relayHealth(relay))?.agents ?? 0) > 0);
    screen.part(
      "echo agent",
      "connected to the relay",
      "takes the work of session demo, role echo",
    );
  }

  #startDeno(name: string, script: string, env: Record<string, string>): Promise<Part> {
    return this.#startPart(name, Deno.execPath(), this.#denoRun(script), env);
  }

  async #startPart(
    name: string,
    command: string,
    args: readonly string[],
    env: Record<string, string>,
  ): Promise<Part> {
    this.#ending.signal.throwIfAborted();
    const part = new Part(name, { command, args, env: { ...this.#environment(), ...env } });
    this.#parts.push(part);
    await this.#keeper.watch(part.pid);
    return part;
  }

  /** Starts a part on the wanted port, or on another if somebody has it or takes it. */
  async #onFreePort(
    wanted: number,
    start: (port: number) => Promise<{ part: Part; isReady: () => Promise<boolean> }>,
  ): Promise<number> {
    return await onFreePort(wanted, async (port) => {
      const { part, isReady } = await start(port);
      try {
        await this.#ready(part, isReady);
      } catch (error) {
        if (!part.status || !part.log.includes("in use")) throw error;
        this.#parts.splice(this.#parts.indexOf(part), 1);
        throw new PortTakenError(`Port ${port} is in use`);
      }
    });
  }

  /** Waits until a part is ready; from then on its end is the demo's. */
  async #ready(part: Part, isReady: () => Promise<boolean>): Promise<void> {
    await waitFor(async () => {
      if (part.status) throw ended(part);
      return await isReady();
    }, { timeoutMs: READY_MS, what: `${part.name} to be ready`, signal: this.#ending.signal });
    part.ended.then(() => this.#ending.abort(ended(part)));
  }

  /** Runs the command line; what it writes is shown as it comes. */
  async #run(args: readonly string[]): Promise<void> {
    const signal = this.#ending.signal;
    signal.throwIfAborted();
    const child = new Deno.Command(Deno.execPath(), {
      args: [...this.#denoRun("cli/main.ts"), ...args],
      env: { ...this.#environment(), NATS_URL: `nats://127.0.0.1:${this.#ports.nats}` },
      clearEnv: true,
      stdin: "null",
      stdout: "inherit",
      stderr: "inherit",
      detached: true,
      signal,
    }).spawn();
    const { code } = await child.status;
    signal.throwIfAborted();
    if (code !== 0) throw new DemoError(`The command ended with exit code ${code}`);
  }

  /** Arguments that run a program, without a word of Deno's own about packages that it fetches. */
  #denoRun(script: string): string[] {
    return ["run", "--quiet", "--allow-all", join(this.#options.root, script)];
  }

  #environment(): Record<string, string> {
    const entries = Object.entries(this.#options.env);
    return Object.fromEntries(entries.filter(([name]) => !NOT_HANDED_ON.test(name)));
  }

  #instead(part: keyof DemoPorts, port: number): string {
    const wanted = this.#wanted[part];
    return port === wanted ? "" : `${wanted} is taken, so it uses ${port}; `;
  }

  /** A command of the command line as the user would type it. */
  #cli(command: string): string {
    const nats = this.#setting("NATS_URL", "nats://127.0.0.1", "nats");
    return `${nats}${this.#deno()} task cli ${command}`;
  }

  /** What has to stand before a command where the port is not the one it expects. */
  #setting(name: string, host: string, part: "nats" | "relay"): string {
    const port = this.#ports[part];
    return port === WANTED_PORTS[part] ? "" : `${name}=${host}:${port} `;
  }

  /** How the user runs Deno: those who used npx for the demo may have no other. */
  #deno(): string {
    return this.#options.env.npm_lifecycle_event === "npx" ? "npx -y deno" : "deno";
  }
}

function ended(part: Part): DemoError {
  const { code, signal } = part.status ?? { code: 0, signal: null };
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  const lines = part.log.trimEnd().split("\n").slice(-SHOWN_LINES).map((line) => `  ${line}`);
  return new DemoError(`The ${part.name} ended ${how}. The end of its log:\n${lines.join("\n")}`);
}

async function answers(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Names the relay on a port, once it is ready. */
async function relayId(port: number): Promise<string | undefined> {
  return (await relayHealth(port))?.relay_id;
}

interface Health {
  readonly relay_id: string;
  readonly agents: number;
}

async function relayHealth(port: number): Promise<Health | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    if (response.status === 200) return await response.json() as Health;
    await response.body?.cancel();
  } catch {
    // Nobody listens yet, or something else does.
  }
  return undefined;
}

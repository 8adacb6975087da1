import { connect } from "@ourocodus/bus";
import { pause } from "@ourocodus/protocol";
import { cacheFolder, ensureNatsServer, runToEnd } from "@ourocodus/setup";
import {
  awaitConnected,
  bringUp,
  failure,
  findHome,
  type HealthyPart,
  type Home,
  noneEnded,
  partEnvironment,
  ProcessRuntime,
  program,
  Supervisor,
  SystemError,
} from "@ourocodus/system";
import { join } from "node:path";
import { Keeper } from "./keeper.ts";
import type { Screen } from "./screen.ts";

/** Options of {@linkcode runDemo}. */
export interface DemoOptions {
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
export type DemoPorts = Readonly<Record<PartName, number>>;
type PartName = "nats-server" | "relay" | "api";

/** The ports that the commands use where nothing is set. */
export const WANTED_PORTS: DemoPorts = { "nats-server": 4222, relay: 8080, api: 9000 };

const REMARKS: Readonly<Record<PartName, string>> = {
  "nats-server": "JetStream, in a temporary folder",
  relay: "hands work to agents",
  api: "the monitor: open it in a browser",
};

/** How many ports after the wanted one are tried. */
const PORT_TRIES = 100;
/** How long relay and agent may finish what they have, in milliseconds. */
const DRAIN_MS = 3_000;
/** How often to look whether all parts run, in milliseconds. */
const LOOK_MS = 100;
/** A part that ends by itself ends the demo, long before it would be started again. */
const NEVER_MS = 2 ** 31 - 1;

/** More variables of the user's that would make this another system than the one that is shown. */
const NOT_HANDED_ON = /^(OUROCODUS_.*|LOG_LEVEL)$/;

/**
 * Starts a system as `ourocodus start` does, in a temporary home, and an echo agent; sends work, and
 * shows the result and what to try next; then waits until it is ended, unless it runs once. Nothing
 * it started is left afterwards, however it ends.
 *
 * @throws {SystemError} If a part does not start or ends by itself; with the end of its log.
 * @throws {SetupError} If there is no nats-server and none can be had.
 * @throws The signal's reason, if it is aborted before the result is shown.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { env, once, screen, signal } = options;
  const { path } = await ensureNatsServer({ env, say: (line) => screen.step(line), signal });
  await using demo = new Demo(options, await Deno.makeTempDir({ prefix: "ourocodus-demo-" }));
  await demo.start(path);
  await demo.send();
  demo.showNext();
  if (!once) await demo.untilEnded();
}

class Demo implements AsyncDisposable {
  readonly #options: DemoOptions;
  readonly #home: Home;
  readonly #keeper: Keeper;
  readonly #environment: Readonly<Record<string, string>>;
  #supervisor: Supervisor | undefined;
  /** What runs, in the order of its start. */
  readonly #names: string[] = [];
  /** Aborted when the demo is ended or a part ends by itself. */
  readonly #ending = new AbortController();
  readonly #wanted: DemoPorts;
  #ports: DemoPorts;

  constructor(options: DemoOptions, folder: string) {
    const { env, ports = WANTED_PORTS, signal, hurry } = options;
    this.#options = options;
    const home = findHome(new Map([["OUROCODUS_HOME", folder]]));
    this.#home = { ...home, startLock: sharedLock(env) ?? home.startLock };
    this.#keeper = new Keeper(folder);
    this.#wanted = this.#ports = ports;
    const kept = Object.entries(partEnvironment(env)).filter(([name]) => !NOT_HANDED_ON.test(name));
    this.#environment = { ...Object.fromEntries(kept), DRAIN_SECONDS: `${DRAIN_MS}ms` };
    const end = () => this.#ending.abort(signal.reason);
    if (signal.aborted) end();
    signal.addEventListener("abort", end);
    hurry.addEventListener("abort", () => void this.#supervisor?.end({ now: true }));
  }

  async start(natsServer: string): Promise<void> {
    const { screen } = this.#options;
    screen.line();
    while (!await this.#bringUp(natsServer)) {
      // Somebody took one of the ports meanwhile.
    }
    await this.#startAgent();
    screen.line();
    void this.#watch();
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
    try {
      await this.#supervisor?.end({ now: hurry.aborted });
      await Deno.remove(this.#home.folder, { recursive: true });
    } finally {
      await this.#keeper[Symbol.asyncDispose]();
    }
    const names = this.#names.toReversed().join(", ");
    if (names !== "") screen.step(`Stopped ${names}; nothing is left running`);
  }

  /** Starts all parts. @returns False, and nothing runs, if a port that was free is so no more. */
  async #bringUp(natsServer: string): Promise<boolean> {
    const home = this.#home;
    this.#ports = freePorts(this.#wanted);
    this.#supervisor = await Supervisor.begin(home, {
      environment: this.#environment,
      ...{ backoffBaseMs: NEVER_MS, backoffCapMs: NEVER_MS },
    });
    try {
      await bringUp(this.#supervisor.client, {
        home,
        natsServer,
        natsPort: this.#ports["nats-server"],
        relayPort: this.#ports.relay,
        apiPort: this.#ports.api,
        host: "127.0.0.1",
        relayDrainMs: DRAIN_MS,
      }, {
        environment: this.#environment,
        signal: this.#ending.signal,
        onHealthy: (part) => this.#showPart(part),
      });
      return true;
    } catch (error) {
      await this.#supervisor.end();
      const taken = error instanceof SystemError && error.cause instanceof Deno.errors.AddrInUse;
      if (!taken) throw error;
      this.#names.length = 0;
      return false;
    }
  }

  #showPart({ part, view, version }: HealthyPart): void {
    const name = part.name as PartName;
    const [wanted, port] = [this.#wanted[name], this.#ports[name]];
    const instead = port === wanted ? "" : `${wanted} is taken, so it uses ${port}; `;
    const label = name === "nats-server" ? `${name} ${version}` : name;
    this.#options.screen.part(label, part.url(view.spec), `${instead}${REMARKS[name]}`);
    this.#names.push(name);
  }

  async #startAgent(): Promise<void> {
    const signal = this.#ending.signal;
    const environment = { ...this.#environment };
    const runtime = new ProcessRuntime({
      home: this.#home,
      env: { get: (name) => environment[name], toObject: () => environment },
    });
    const started = await runtime.start({
      ...{ session: "demo", role: "echo", name: "echo-agent", count: 1, concurrency: 1 },
      ...{ args: ["echo"], env: {}, passedEnv: [], drainMs: DRAIN_MS, cwd: undefined },
    }, {
      kind: "process",
      cwd: Deno.cwd(),
      relayUrl: `ws://127.0.0.1:${this.#ports.relay}`,
    });
    await using connection = await connect({ url: this.#natsUrl, name: "ourocodus demo" });
    await awaitConnected(connection, {
      ...{ session: "demo", role: "echo", signal },
      ids: new Map(started.agents.map(({ id }) => [id, undefined])),
      check: () => noneEnded(started),
      onConnected: () => {},
    });
    await started.ready();
    this.#names.push("echo agent");
    const remark = "takes the work of session demo, role echo";
    this.#options.screen.part("echo agent", "connected to the relay", remark);
  }

  /** Ends the demo when a part ends by itself. */
  async #watch(): Promise<void> {
    while (!this.#ending.signal.aborted) {
      const ended = this.#supervisor?.views.find(({ status }) =>
        status === "waiting" || status === "exited"
      );
      if (ended !== undefined) this.#ending.abort(await failure(ended));
      await pause(LOOK_MS, this.#ending.signal);
    }
  }

  /** Runs the command line; what it writes is shown as it comes. */
  async #run(words: readonly string[]): Promise<void> {
    const { command, args } = program("cli");
    const { code } = await runToEnd(command, [...args, ...words], {
      env: { ...this.#environment, NATS_URL: this.#natsUrl },
      ...{ clearEnv: true, shown: true, detached: true, signal: this.#ending.signal },
    });
    if (code !== 0) throw new SystemError(`The command ended with exit code ${code}`);
  }

  get #natsUrl(): string {
    return `nats://127.0.0.1:${this.#ports["nats-server"]}`;
  }

  /** A command of the command line as the user would type it. */
  #cli(command: string): string {
    const nats = this.#setting("NATS_URL", "nats://127.0.0.1", "nats-server");
    return `${nats}${this.#deno()} task cli ${command}`;
  }

  /** What has to stand before a command where the port is not the one it expects. */
  #setting(name: string, host: string, part: PartName): string {
    const port = this.#ports[part];
    return port === WANTED_PORTS[part] ? "" : `${name}=${host}:${port} `;
  }

  /** How the user runs Deno: those who used npx for the demo may have no other. */
  #deno(): string {
    return this.#options.env.npm_lifecycle_event === "npx" ? "npx -y deno" : "deno";
  }
}

/** A file that demos of this user have in common: no two of them start parts at the same time. */
function sharedLock(env: DemoOptions["env"]): string | undefined {
  const folder = cacheFolder({ env });
  if (folder === undefined) return undefined;
  const path = join(folder, "demo.lock");
  try {
    Deno.mkdirSync(folder, { recursive: true });
    Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    return path;
  } catch {
    return undefined; // Then two at once may try for the same ports.
  }
}

/** The wanted ports of 127.0.0.1, or for each the next one that nobody uses, nor another part. */
function freePorts(wanted: DemoPorts): DemoPorts {
  const nats = freePort(wanted["nats-server"], []);
  const relay = freePort(wanted.relay, [nats]);
  return { "nats-server": nats, relay, api: freePort(wanted.api, [nats, relay]) };
}

function freePort(wanted: number, taken: readonly number[]): number {
  for (let port = wanted; port < wanted + PORT_TRIES; port++) {
    if (taken.includes(port)) continue;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new SystemError(`All ports from ${wanted} to ${wanted + PORT_TRIES - 1} are taken`);
}

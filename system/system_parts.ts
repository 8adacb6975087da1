/**
 * The parts of the system, in the order of their start. A further part is one more entry here.
 *
 * @module
 */
import type { TlsFiles } from "@ourocodus/edge";
import { natsGreeting } from "@ourocodus/setup";
import { type Home, logPath } from "./home.ts";
import { httpHealth } from "./http_health.ts";
import { ensureMonitor } from "./monitor.ts";
import { writeNatsConfig } from "./nats_config.ts";
import type { ProcessSpec } from "./process_spec.ts";
import { program } from "./programs.ts";

/** What the parts are started with. */
export interface SystemSettings {
  readonly home: Home;
  /** The path of nats-server. */
  readonly natsServer: string;
  readonly natsPort: number;
  readonly relayPort: number;
  readonly apiPort: number;
  /** The address on which the relay listens for agents; NATS and the API listen on 127.0.0.1 alone. */
  readonly host: string;
  /** With what relay and API speak TLS, if they do; absolute paths. */
  readonly tls?: TlsFiles;
  /** How long the relay waits for running work when it is stopped, in milliseconds. */
  readonly relayDrainMs: number;
}

/** A part of the system. */
export interface SystemPart {
  /** Its name, which is its log's too. */
  readonly name: string;
  /** The flag that chooses its port. */
  readonly portFlag: string;
  port(settings: SystemSettings): number;
  /** The address that it listens on. */
  host(settings: SystemSettings): string;
  /** What has to be done before. @throws {SystemError} */
  prepare?(settings: SystemSettings): Promise<void>;
  /** How it is run: everything but its name, log and rank. */
  run(settings: SystemSettings): Pick<ProcessSpec, "command" | "args" | "env" | "stopMs">;
  /** Asks it how it is. @returns Undefined if it is not healthy. */
  health(spec: ProcessSpec): Promise<PartHealth | undefined>;
  /** Where others on this machine find it. */
  url(spec: ProcessSpec): string;
}

/** A part that is healthy. */
export interface PartHealth {
  readonly version: string;
}

/** How long a relay may take to store what has come in, after it has drained, in milliseconds. */
const STORING_MS = 15_000;
/** How long the API may take to answer the requests it has, in milliseconds. */
const API_STOP_MS = 5_000;

/** Variables of the user's that would lead a part to another NATS, or to another port. */
const NOT_HANDED_ON =
  /^(NATS_.*|PORT|HOST|RELAY_URL|SESSION_ID|ROLE|AGENT_ID|CONCURRENCY|OUROCODUS_HOME)$/;

/** How long nats-server may take to greet, in milliseconds. */
const GREETING_MS = 2_000;

/** All parts. */
export const SYSTEM_PARTS: readonly SystemPart[] = [
  {
    name: "nats-server",
    portFlag: "--nats-port",
    port: ({ natsPort }) => natsPort,
    host: () => "127.0.0.1",
    prepare: ({ home }) => writeNatsConfig(home),
    run: ({ natsServer, natsPort, home }) => ({
      command: natsServer,
      args: [
        ...["--addr", "127.0.0.1", "--port", String(natsPort), "--name", natsName(natsPort)],
        ...["--jetstream", "--store_dir", home.natsStore, "--config", home.natsConfig],
      ],
      env: {},
      stopMs: 15_000,
    }),
    async health({ port = 0 }) {
      // One that is stopped, or overloaded, takes connections and says nothing.
      const greeting = await natsGreeting(port, { signal: AbortSignal.timeout(GREETING_MS) });
      return greeting?.server_name === natsName(port) ? greeting : undefined;
    },
    url: ({ port }) => `nats://127.0.0.1:${port}`,
  },
  {
    name: "relay",
    portFlag: "--port",
    port: ({ relayPort }) => relayPort,
    host: ({ host }) => host,
    run: ({ natsPort, relayPort, host, relayDrainMs, tls }) => ({
      ...program("relay"),
      env: {
        NATS_URL: `nats://127.0.0.1:${natsPort}`,
        HOST: host,
        PORT: String(relayPort),
        ...tlsVariables(tls),
      },
      stopMs: relayDrainMs + STORING_MS,
    }),
    async health({ port = 0, env }) {
      const health = await httpHealth(httpUrl(reachable(env.HOST), port, env));
      return health?.status === "healthy" && "relay_id" in health ? health : undefined;
    },
    url: ({ port = 0, env }) => httpUrl(reachable(env.HOST), port, env).replace("http", "ws"),
  },
  {
    name: "api",
    portFlag: "--api-port",
    port: ({ apiPort }) => apiPort,
    host: () => "127.0.0.1",
    prepare: ensureMonitor,
    run: ({ home, natsPort, apiPort, tls }) => ({
      ...program("api"),
      env: {
        NATS_URL: `nats://127.0.0.1:${natsPort}`,
        HOST: "127.0.0.1",
        PORT: String(apiPort),
        OUROCODUS_HOME: home.folder,
        ...tlsVariables(tls),
      },
      stopMs: API_STOP_MS,
    }),
    async health({ port = 0, env }) {
      const health = await httpHealth(httpUrl("127.0.0.1", port, env));
      return health?.status === "healthy" && "relays" in health ? health : undefined;
    },
    url: ({ port = 0, env }) => httpUrl("127.0.0.1", port, env),
  },
];

/** A part as it is to be kept. */
export function partSpec(part: SystemPart, settings: SystemSettings): ProcessSpec {
  const { home } = settings;
  return {
    name: part.name,
    kind: "part",
    rank: SYSTEM_PARTS.indexOf(part),
    cwd: home.folder,
    log: logPath(home, part.name, "part"),
    port: part.port(settings),
    ...part.run(settings),
  };
}

/** The environment that parts start from. */
export function partEnvironment(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !NOT_HANDED_ON.test(name)),
  );
}

/** By its name, our server is told from another that answers on its port. */
function natsName(port: number): string {
  return `ourocodus-${port}`;
}

/** An address at which what listens on another can be reached from here. */
function reachable(host = "127.0.0.1"): string {
  return host === "0.0.0.0" ? "127.0.0.1" : host === "::" ? "::1" : host;
}

function tlsVariables(tls: TlsFiles | undefined): Record<string, string> {
  return tls === undefined ? {} : { TLS_CERT: tls.certFile, TLS_KEY: tls.keyFile };
}

function httpUrl(host: string, port: number, { TLS_CERT }: ProcessSpec["env"]): string {
  const scheme = TLS_CERT === undefined ? "http" : "https";
  return `${scheme}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

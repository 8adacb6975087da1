import { fileURLToPath } from "node:url";
import { freePort } from "./free_port.ts";
import { type ProcessOutput, runProcess, startProcess, TestProcess } from "./processes.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startRelay}. */
export interface RelayOptions {
  /** The nats-server. */
  readonly natsUrl: string;
  /** Its port; default a free one. */
  readonly port?: number;
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** A module that runs before the program, from the repository's root. */
  readonly preload?: string;
  /** What runs in place of `relay/main.ts`, from the repository's root. */
  readonly program?: string;
}

/** A relay in a process of its own. */
export interface RelayProcess extends AsyncDisposable {
  /** Where agents connect: `ws://127.0.0.1:{port}`. */
  readonly url: string;
  /** The same for HTTP: `http://127.0.0.1:{port}`. */
  readonly httpUrl: string;
  /** Its port. */
  readonly port: number;
  /** The process: output, signals, status. */
  readonly process: TestProcess;
  /** Ends it with SIGTERM and waits; see {@linkcode TestProcess.stop}. */
  stop(options?: { signal?: Deno.Signal; timeoutMs?: number }): Promise<Deno.CommandStatus>;
  /** Ends it with SIGKILL, as a crash does, and waits. */
  kill(): Promise<Deno.CommandStatus>;
}

/** Options of {@linkcode startEchoAgent}. */
export interface EchoAgentOptions {
  /** The relay: `ws://127.0.0.1:8080`. */
  readonly relayUrl: string;
  readonly session: string;
  readonly role: string;
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Options of {@linkcode runCli}. */
export interface CliOptions {
  /** The nats-server. */
  readonly natsUrl: string;
  /** Text for its stdin; default none. */
  readonly stdin?: string;
  /** Further variables of its environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** How long it may take, in milliseconds; default 60 000. */
  readonly timeoutMs?: number;
}

/** How long a relay may take to be ready, in milliseconds. */
const READY_MS = 30_000;

/** The repository's root, without a slash at the end. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

/**
 * Runs `relay/main.ts` in a child process and waits until `GET /health` answers 200.
 *
 * @param options The nats-server, and what is different.
 * @returns The relay; dispose of it with `await using`.
 * @throws {Error} If it ends or is not ready in time; with its output.
 */
export async function startRelay(options: RelayOptions): Promise<RelayProcess> {
  const { httpUrl, port, ...server } = await startServer(
    options.program ?? "relay/main.ts",
    options,
  );
  return { url: `ws://127.0.0.1:${port}`, httpUrl, port, ...server };
}

/** The API in a process of its own. */
export type ApiProcess = Omit<RelayProcess, "httpUrl">;

/**
 * Runs `api/main.ts` in a child process and waits until `GET /health` answers 200.
 *
 * @param options The nats-server, and what is different.
 * @returns The API; `url` is that of its monitor. Dispose of it with `await using`.
 * @throws {Error} If it ends or is not ready in time; with its output.
 */
export async function startApi(options: RelayOptions): Promise<ApiProcess> {
  // What its user has started on this machine is not a test's business.
  const env = { OUROCODUS_HOME: "/nonexistent", ...options.env };
  const { httpUrl, ...server } = await startServer("api/main.ts", { ...options, env });
  return { url: httpUrl, ...server };
}

async function startServer(
  script: string,
  options: RelayOptions,
): Promise<Omit<RelayProcess, "url">> {
  const { natsUrl, port = freePort(), env, preload } = options;
  const process = startDeno(script, [], {
    NATS_URL: natsUrl,
    HOST: "127.0.0.1",
    PORT: String(port),
    ...env,
  }, preload);
  const httpUrl = `http://127.0.0.1:${port}`;
  try {
    await until(() => isHealthy(httpUrl, process), {
      timeoutMs: READY_MS,
      message: `${httpUrl}/health to answer 200`,
    });
  } catch (error) {
    await process.kill();
    throw process.failure("was not ready", { cause: error });
  }
  return {
    httpUrl,
    port,
    process,
    stop: (options) => process.stop(options),
    kill: () => process.kill(),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/**
 * Runs `agent/main.ts`, the echo agent, in a child process. It may not be connected yet when this
 * returns: work sent before waits for it.
 *
 * @param options Whom it serves.
 * @returns The process; dispose of it with `await using`.
 */
export function startEchoAgent(options: EchoAgentOptions): TestProcess {
  const { relayUrl, session, role, env } = options;
  return startDeno("agent/main.ts", [], {
    RELAY_URL: relayUrl,
    SESSION_ID: session,
    ROLE: role,
    ...env,
  });
}

/**
 * Runs a command line of `cli/main.ts` to its end.
 *
 * @param args For example `["send", "work", "--session", "s", "--role", "r", "--message", "hi"]`.
 * @param options The nats-server, stdin and environment.
 * @returns The exit code and what it wrote.
 * @throws {Error} If it takes longer than `timeoutMs`.
 */
export function runCli(args: readonly string[], options: CliOptions): Promise<ProcessOutput> {
  const { natsUrl, stdin, env, timeoutMs } = options;
  return runProcess(Deno.execPath(), ["run", "-A", `${ROOT}/cli/main.ts`, ...args], {
    name: "cli",
    env: { NATS_URL: natsUrl, ...env },
    stdin,
    timeoutMs,
  });
}

function startDeno(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  preload?: string,
): TestProcess {
  const before = preload === undefined ? [] : ["--preload", `${ROOT}/${preload}`];
  const command = ["run", "-A", ...before, `${ROOT}/${script}`, ...args];
  return startProcess(Deno.execPath(), command, { name: script, env });
}

async function isHealthy(httpUrl: string, process: TestProcess): Promise<boolean> {
  if (process.ended) throw process.failure("ended");
  try {
    const response = await fetch(`${httpUrl}/health`);
    await response.body?.cancel();
    return response.status === 200;
  } catch (error) {
    if (error instanceof TypeError) return false; // Nobody listens yet.
    throw error;
  }
}

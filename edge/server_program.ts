/**
 * What a program that serves does between its start and its end; the relay's and the API's
 * `main.ts` say what is theirs.
 *
 * @module
 */
import { getLogger, type LogLevel } from "@logtape/logtape";
import {
  configureLogging,
  messageOf,
  OurocodusError,
  stopSignal,
  VERSION,
} from "@ourocodus/protocol";
import { checkHealth } from "./health_check.ts";
import { warnIfOpen } from "./listen.ts";
import type { ServerSettings } from "./server_settings.ts";

/** What every such program is told by its settings. */
export interface ProgramSettings {
  readonly logLevel: LogLevel;
  readonly server: ServerSettings;
}

/** A server that runs. */
export interface RunningServer {
  /** The port that it listens on. */
  readonly port: number;
  /** Where NATS is, without credentials. */
  readonly nats: string;
  /** Resolves when the connection to NATS is closed for good; that cannot be survived. */
  readonly failed: Promise<Error | void>;
  /** Ends it, and what is under way as far as it can be waited for. */
  stop(): Promise<void>;
}

/** A program that serves until SIGTERM or SIGINT. */
export interface ServerProgram<Settings extends ProgramSettings, Running extends RunningServer> {
  /** What it calls itself: "relay". */
  readonly name: string;
  /** What `--help` prints. */
  readonly help: string;
  /** What it says when it listens, before where: "relay listens on". */
  readonly listens: string;
  /** The schemes of where it listens, without TLS and with it. */
  readonly schemes: readonly [plain: string, tls: string];
  /** @throws {SettingError} If a setting has a value that cannot be used. */
  readonly settings: () => Settings;
  /** @throws {OurocodusError} If it cannot run. */
  readonly start: (settings: Settings) => Promise<Running>;
  /** What is logged of it when it begins. */
  readonly describe?: (running: Running) => Record<string, unknown>;
  /** Called when it is told to stop. @param signal By which. */
  readonly onStop?: (running: Running, signal: string) => void;
}

/**
 * Runs such a program: `--help`, `--version`, `--health-check`, or serving until it is told to
 * stop. Ends the process: with 0 after SIGTERM or SIGINT, with 1 if it cannot run or go on, with 2 for
 * arguments that it does not know.
 *
 * @param args The process's arguments.
 */
export async function runServerProgram<
  Settings extends ProgramSettings,
  Running extends RunningServer,
>(args: readonly string[], program: ServerProgram<Settings, Running>): Promise<void> {
  try {
    await run(args, program);
  } catch (error) {
    if (!(error instanceof OurocodusError)) console.error(error);
    fail(messageOf(error), 1);
  }
}

async function run<Settings extends ProgramSettings, Running extends RunningServer>(
  args: readonly string[],
  program: ServerProgram<Settings, Running>,
): Promise<void> {
  if (args.includes("--help") || args.includes("-h")) return console.log(program.help);
  if (args.includes("--version")) return console.log(VERSION);
  if (args.includes("--health-check")) return await showHealth(program.settings().server);
  const [unknown] = args;
  if (unknown !== undefined) return fail(`unknown argument ${unknown}, see --help`, 2);
  await serve(program);
}

async function serve<Settings extends ProgramSettings, Running extends RunningServer>(
  { name, listens, schemes, settings: readSettings, start, describe, onStop }: ServerProgram<
    Settings,
    Running
  >,
): Promise<void> {
  const settings = readSettings();
  const { host, tls } = settings.server;
  await configureLogging({ level: settings.logLevel, pretty: Deno.stderr.isTerminal() });
  const log = getLogger(["ourocodus", name.toLowerCase()]);
  const running = await start(settings);
  const stop = stopSignal((second) => log.warn(`ending at once on a second signal, ${second}`));
  warnIfOpen(settings.server, log);
  const scheme = schemes[tls === undefined ? 0 : 1];
  log.info(`${listens} ${scheme}://${host}:${running.port}`, {
    ...describe?.(running),
    version: VERSION,
    nats: running.nats,
  });
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([stopped, running.failed]);
  if (!stop.aborted) return fail("the connection to NATS was closed for good", 1);
  onStop?.(running, String(stop.reason));
  await running.stop();
  log.info(`${name} has ended`);
  Deno.exit(0);
}

async function showHealth(server: ServerSettings): Promise<void> {
  const health = await checkHealth(server);
  if (health.kind === "unhealthy") return fail(health.reason, 1);
  console.log(health.body);
}

function fail(message: string, code: number): never {
  console.error(`error: ${message}`);
  Deno.exit(code);
}

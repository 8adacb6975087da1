/**
 * `deno task api`: runs the API and the monitor until SIGTERM or SIGINT. See `--help` for its
 * settings.
 *
 * @module
 */
import { configureLogging, messageOf, OurocodusError, stopSignal, VERSION } from "@ourocodus/bus";
import { checkHealth, warnIfOpen } from "@ourocodus/http";
import { getLogger } from "@logtape/logtape";
import { apiSettings } from "./settings.ts";
import { startApi } from "./start.ts";

const HELP = `Runs the HTTP API and the web monitor: where all work, agents and sessions are, live.

Usage: deno task api [--health-check]

--health-check asks the API that listens on HOST and PORT how it is, and ends with 0 if it is
healthy, else with 1.

Settings (environment variables):
  NATS_URL               nats://localhost:4222   where NATS is; several with commas
  NATS_CONNECT_TIMEOUT   5s                      how long the first connection may take
  NATS_TOKEN, NATS_USER, NATS_PASSWORD, NATS_CREDS, NATS_CA, NATS_CERT, NATS_KEY,
  NATS_INBOX_PREFIX
  HOST                   127.0.0.1               where to listen
  PORT                   9000                    0: any free port
  LOG_LEVEL              info                    trace, debug, info, warn, error, fatal
  OUROCODUS_TOKEN                                the secret that clients need, or tokens made with it
  OUROCODUS_TOKEN_FILE                           the file that has it; made if it is not there
  OUROCODUS_TOKEN_PUBLIC_KEY                     verifies tokens that were signed elsewhere (Ed25519, PEM)
  OUROCODUS_INSECURE     0                       1: others than this machine may come in without a token
  TLS_CERT, TLS_KEY                              certificate chain and key, PEM files: then it is https://
  ALLOWED_ORIGINS                                other hosts' pages that may use it, with commas; * is any
  ALLOWED_HOSTS                                  names that it may be called by, with commas; * is any
  MAX_BODY_BYTES         1MB                     the largest body of a request
  MAX_EVENT_CLIENTS      10000                   clients that follow events
  MAX_HEADER_BYTES       16KB                    URL and headers of a request
  OUROCODUS_HOME         .ourocodus              where "ourocodus start" and "agent start" keep what runs
  DOCKER_HOST, DOCKER_CONTEXT                    where Docker is, if agents were started there
  OUROCODUS_LOG_MAX_AGE, OUROCODUS_LOG_MAX_BYTES, OUROCODUS_WORK_MAX_BYTES, OUROCODUS_REPLICAS

Without a token it listens on this machine's own addresses only. See SECURITY.md.
http://HOST:PORT/ is the monitor, /openapi.json describes the API, /metrics is for Prometheus.
SIGTERM ends it with 0, a second signal at once.`;

async function main(): Promise<void> {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) return console.log(HELP);
  if (Deno.args.includes("--version")) return console.log(VERSION);
  if (Deno.args.includes("--health-check")) return await showHealth();
  const [unknown] = Deno.args;
  if (unknown !== undefined) return fail(`unknown argument ${unknown}, see --help`, 2);
  const settings = apiSettings(Deno.env);
  await configureLogging({ level: settings.logLevel, pretty: Deno.stderr.isTerminal() });
  const log = getLogger(["ourocodus", "api"]);
  const running = await startApi(settings);
  const stop = stopSignal((second) => log.warn(`ending at once on a second signal, ${second}`));
  const { host, tls } = settings.server;
  warnIfOpen(settings.server, log);
  log.info(`API and monitor on ${tls ? "https" : "http"}://${host}:${running.port}`, {
    version: VERSION,
    nats: running.nats,
  });
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([stopped, running.failed]);
  if (!stop.aborted) return fail("the connection to NATS was closed for good", 1);
  await running.stop();
  log.info("API has ended");
  Deno.exit(0);
}

async function showHealth(): Promise<void> {
  const health = await checkHealth(apiSettings(Deno.env).server);
  if (health.kind === "unhealthy") return fail(health.reason, 1);
  console.log(health.body);
}

function fail(message: string, code: number): never {
  console.error(`error: ${message}`);
  Deno.exit(code);
}

if (import.meta.main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof OurocodusError)) console.error(error);
    fail(messageOf(error), 1);
  }
}

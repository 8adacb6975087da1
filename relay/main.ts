/**
 * `deno task relay`: runs a relay until SIGTERM or SIGINT. See `--help` for its settings.
 *
 * @module
 */
import { configureLogging, messageOf, OurocodusError, stopSignal, VERSION } from "@ourocodus/bus";
import { getLogger } from "@logtape/logtape";
import { checkHealth, warnIfOpen } from "@ourocodus/http";
import { relaySettings } from "./settings.ts";
import { startRelay } from "./start.ts";

const HELP = `Runs a relay: carries work from NATS to agents' WebSockets, and their results back.

Usage: deno task relay [--health-check]

--health-check asks the relay that listens on HOST and PORT how it is, and ends with 0 if it is
healthy, else with 1.

Settings (environment variables):
  NATS_URL               nats://localhost:4222   where NATS is; several with commas
  NATS_CONNECT_TIMEOUT   5s                      how long the first connection may take
  NATS_TOKEN, NATS_USER, NATS_PASSWORD, NATS_CREDS, NATS_CA, NATS_CERT, NATS_KEY,
  NATS_INBOX_PREFIX
  HOST                   127.0.0.1               where to listen
  PORT                   8080                    0: any free port
  LOG_LEVEL              info                    trace, debug, info, warn, error, fatal
  OUROCODUS_TOKEN                                the secret that agents need, or tokens made with it
  OUROCODUS_TOKEN_FILE                           the file that has it; made if it is not there
  OUROCODUS_TOKEN_PUBLIC_KEY                     verifies tokens that were signed elsewhere (Ed25519, PEM)
  OUROCODUS_INSECURE     0                       1: others than this machine may come in without a token
  TLS_CERT, TLS_KEY                              certificate chain and key, PEM files: then it is wss://
  ALLOWED_ORIGINS                                other hosts' pages that may connect, with commas; * is any
  ALLOWED_HOSTS                                  names that it may be called by, with commas; * is any
  DRAIN_SECONDS          25                      how long SIGTERM waits for work in hand
  ACK_WAIT_SECONDS       30                      how long work waits for a relay that died
  LEASE_GRACE_SECONDS    15                      how long an agent may take to come back to its work
  MAX_DELIVER            5                       attempts before work is given up on
  MAX_HELD_BYTES         64MB                    results held while NATS is away
  MAX_UNREAD_BYTES       64MB                    what may wait for one agent to read it
  MAX_UNREAD_BYTES_IN_ALL  1GB                   and for all agents together
  MAX_FRAME_BYTES        16MB                    the largest WebSocket frame from an agent
  MAX_FRAMES_PER_SECOND  50000                   frames from one agent in a second
  MAX_AGENTS             20000                   agents that are connected
  MAX_SESSION_AGENTS     MAX_AGENTS              agents of one session
  MAX_HEADER_BYTES       16KB                    URL and headers of a request
  OUROCODUS_LOG_MAX_AGE  7d                      how long results and events are kept
  OUROCODUS_LOG_MAX_BYTES, OUROCODUS_WORK_MAX_BYTES, OUROCODUS_REPLICAS

Without a token it listens on this machine's own addresses only. See SECURITY.md.
Agents connect to ws://HOST:PORT/agent?session_id=S&role=R. GET /health says how it is.
SIGTERM drains and ends with 0, a second signal ends it at once.`;

async function main(): Promise<void> {
  if (Deno.args.includes("--help") || Deno.args.includes("-h")) return console.log(HELP);
  if (Deno.args.includes("--version")) return console.log(VERSION);
  if (Deno.args.includes("--health-check")) return await showHealth();
  const [unknown] = Deno.args;
  if (unknown !== undefined) return fail(`unknown argument ${unknown}, see --help`, 2);
  const settings = relaySettings(Deno.env);
  await configureLogging({ level: settings.logLevel, pretty: Deno.stderr.isTerminal() });
  const log = getLogger(["ourocodus", "relay"]);
  const running = await startRelay(settings);
  const stop = stopSignal((second) => log.warn(`ending at once on a second signal, ${second}`));
  const { host, tls } = settings.server;
  warnIfOpen(settings.server, log);
  log.info(`relay listens on ${tls ? "wss" : "ws"}://${host}:${running.port}`, {
    relay_id: running.relay.id,
    version: VERSION,
    nats: running.nats,
  });
  const stopped = new Promise<void>((resolve) => {
    stop.addEventListener("abort", () => resolve(), { once: true });
  });
  await Promise.race([stopped, running.failed]);
  if (!stop.aborted) return fail("the connection to NATS was closed for good", 1);
  log.info(`draining on ${stop.reason}`, { in_hand: running.relay.health().in_hand });
  await running.stop();
  log.info("relay has ended");
  Deno.exit(0);
}

async function showHealth(): Promise<void> {
  const health = await checkHealth(relaySettings(Deno.env).server);
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

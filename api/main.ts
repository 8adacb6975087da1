/**
 * `deno task api`: runs the API and the monitor until SIGTERM or SIGINT. See `--help` for its
 * settings.
 *
 * @module
 */
import { runServerProgram } from "@ourocodus/edge";
import { apiSettings } from "./settings.ts";

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

if (import.meta.main) {
  await runServerProgram(Deno.args, {
    name: "API",
    help: HELP,
    listens: "API and monitor on",
    schemes: ["http", "https"],
    settings: () => apiSettings(Deno.env),
    // Only then: a health check, which containers run every few seconds, needs little of it.
    start: async (settings) => await (await import("./start.ts")).startApi(settings),
  });
}

/**
 * `deno task relay`: runs a relay until SIGTERM or SIGINT. See `--help` for its settings.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { runServerProgram } from "@ourocodus/edge";
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
  DRAIN_SECONDS          25                      how long SIGTERM waits for running work
  ACK_WAIT_SECONDS       30                      how long work waits for a relay that died
  LEASE_GRACE_SECONDS    15                      how long an agent may take to come back to its work
  MAX_DELIVER            5                       attempts before work is dead
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

if (import.meta.main) {
  const log = getLogger(["ourocodus", "relay"]);
  await runServerProgram(Deno.args, {
    name: "relay",
    help: HELP,
    listens: "relay listens on",
    schemes: ["ws", "wss"],
    settings: () => relaySettings(Deno.env),
    start: startRelay,
    describe: ({ relay }) => ({ relay_id: relay.id }),
    onStop: ({ relay }, signal) => {
      log.info(`draining on ${signal}`, { in_hand: relay.health().in_hand });
    },
  });
}

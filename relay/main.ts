/**
 * `deno task relay`: runs a relay until SIGTERM or SIGINT. See `--help` for its settings.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { runServerProgram } from "@ourocodus/edge";
import { settingsHelp } from "@ourocodus/protocol";
import { RELAY_SETTINGS, relaySettings } from "./settings.ts";
import { startRelay } from "./start.ts";

const HELP = `Runs a relay: carries work from NATS to agents' WebSockets, and their results
back.

Usage: deno task relay [--health-check]

--health-check asks the relay that listens on HOST and PORT how it is, and ends
with 0 if it is healthy, else with 1.

Settings (environment variables):
${settingsHelp(RELAY_SETTINGS)}

Without a token it listens on this machine's own addresses only, see
SECURITY.md. Agents connect to ws://HOST:PORT/agent?session_id=S&role=R.
GET /health says how it is.
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

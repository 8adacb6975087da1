/**
 * `deno task api`: runs the API and the monitor until SIGTERM or SIGINT. See `--help` for its
 * settings.
 *
 * @module
 */
import { runServerProgram } from "@ourocodus/edge";
import { settingsHelp } from "@ourocodus/protocol";
import { API_SETTINGS, apiSettings } from "./settings.ts";

const HELP = `Runs the HTTP API and the web monitor: where all work, agents and sessions are,
live.

Usage: deno task api [--health-check]

--health-check asks the API that listens on HOST and PORT how it is, and ends
with 0 if it is healthy, else with 1.

Settings (environment variables):
${settingsHelp(API_SETTINGS)}

Without a token it listens on this machine's own addresses only, see
SECURITY.md. http://HOST:PORT/ is the monitor, /openapi.json describes the API,
/metrics is for Prometheus. SIGTERM ends it with 0, a second signal at once.`;

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

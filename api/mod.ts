/**
 * The HTTP API and the monitor's server.
 *
 * @module
 */
export { type ApiSettings, apiSettings } from "./settings.ts";
export { type RunningApi, startApi } from "./start.ts";

/**
 * The HTTP API and the monitor's server.
 *
 * @module
 */
export * from "./settings.ts";
export * from "./start.ts";

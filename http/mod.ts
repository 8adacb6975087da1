/**
 * What the HTTP sides of relay and API share.
 *
 * @module
 */
export * from "./health_check.ts";
export * from "./origin.ts";
export * from "./prometheus.ts";

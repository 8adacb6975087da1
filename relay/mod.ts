/**
 * The relay: carries work from NATS to agents' WebSockets, and their results back.
 *
 * @module
 */
export * from "./agent_connection.ts";
export * from "./agent_request.ts";
export * from "./relay.ts";
export * from "./server.ts";
export * from "./settings.ts";
export * from "./start.ts";

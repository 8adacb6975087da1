/**
 * All that knows NATS: messages, subjects, streams, the work queue, the log, and the wire format
 * that relays and agents share.
 *
 * @module
 */
export * from "./close_codes.ts";
export * from "./connection.ts";
export * from "./errors.ts";
export * from "./frames.ts";
export * from "./logging.ts";
export * from "./message.ts";
export * from "./relay_agents.ts";
export * from "./settings.ts";
export * from "./streams.ts";
export * from "./subjects.ts";
export * from "./version.ts";

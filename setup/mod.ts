/**
 * Provides a nats-server: finds one, or fetches one.
 *
 * @module
 */
export { cacheFolder } from "./cache.ts";
export { ensureNatsServer, type EnsureOptions } from "./ensure.ts";
export { findNatsServer, type FindOptions, type NatsServer, type Source } from "./find.ts";
export { type NatsGreeting, natsGreeting } from "./greeting.ts";
export { watchLauncher } from "./launcher.ts";
export type { Host } from "./host.ts";
export { type ProgramEnd, type RunOptions, runToEnd } from "./run_to_end.ts";
export { SetupError, type SetupErrorCode } from "./setup_error.ts";

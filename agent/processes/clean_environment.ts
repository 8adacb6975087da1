/** Variables of the agent's environment that are nobody else's. */
const OWN = /^(?:NATS_.*|OUROCODUS_.*|FORCE_COLOR)$/;

/**
 * The environment that a program gets which an agent starts: the agent's, without what lets the
 * agent in at relay and NATS, without what an agent has set around this one, and without colours.
 *
 * @example
 * ```ts
 * import { cleanEnvironment } from "./clean_environment.ts";
 * import assert from "node:assert/strict";
 *
 * const env = { HOME: "/root", NATS_PASSWORD: "secret", FORCE_COLOR: "1" };
 * assert.deepEqual(cleanEnvironment(env), { HOME: "/root", NO_COLOR: "1" });
 * ```
 */
export function cleanEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  const others = Object.entries(env).filter(([name]) => !OWN.test(name));
  return { ...Object.fromEntries(others), NO_COLOR: "1" };
}

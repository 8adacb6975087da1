import { createHash } from "node:crypto";
import { environmentOf, type EnvironmentOptions } from "./equipment.ts";
import { presetOf } from "./preset_of.ts";

/**
 * What coding agents have in common that share their provider's limits: the preset, and a hash of the
 * account. The account is known by its keys; where the agent logs in by itself, by machine and home.
 *
 * @throws {OptionError} If the file of variables cannot be used, or there is no such agent.
 */
export function limitKey(options: EnvironmentOptions): string {
  const { name, login } = presetOf(options);
  const { env } = environmentOf({ ...options, gateway: undefined }, { permissions: "all" });
  const keys = login.env.flatMap((variable) => env[variable] ?? []);
  const account = keys.length > 0 ? keys : [Deno.hostname(), env.HOME ?? ""];
  const hash = createHash("sha256").update(JSON.stringify(account)).digest("hex");
  return `${name}-${hash.slice(0, 16)}`;
}

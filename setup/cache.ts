import { join, resolve } from "node:path";
import { envValue, type Host } from "./host.ts";
import { platformName, type Release } from "./release.ts";
import { SetupError } from "./setup_error.ts";

/**
 * The folder in which the project keeps what it fetched: `$OUROCODUS_CACHE`, else
 * `$XDG_CACHE_HOME/ourocodus`, else `~/.cache/ourocodus`.
 *
 * @param host The machine.
 * @returns An absolute path; the folder need not exist.
 * @throws {SetupError} `bad-cache`, if none of the three variables and no HOME is set.
 */
export function cacheFolder(host: Host): string {
  const own = envValue(host, "OUROCODUS_CACHE");
  if (own !== undefined) return resolve(own);
  const xdg = envValue(host, "XDG_CACHE_HOME");
  if (xdg !== undefined) return resolve(xdg, "ourocodus");
  const home = envValue(host, "HOME");
  if (home !== undefined) return resolve(home, ".cache", "ourocodus");
  throw new SetupError("bad-cache", "No folder for the cache: set OUROCODUS_CACHE or HOME");
}

/**
 * Where a release's binary is kept.
 *
 * @param host The machine; its platform is part of the path, as homes are shared over networks.
 * @param release The release.
 * @returns An absolute path; the file need not exist.
 */
export function cachedBinary(host: Host, release: Release): string {
  const { os = Deno.build.os, arch = Deno.build.arch } = host;
  const folder = `${release.version}-${platformName(os, arch)}`;
  return join(cacheFolder(host), "nats-server", folder, "nats-server");
}

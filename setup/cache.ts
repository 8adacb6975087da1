import { join, resolve } from "node:path";
import { envValue, type Host } from "./host.ts";
import { platformName, type Release } from "./release.ts";

/**
 * The folder in which the project keeps what it fetched: `$OUROCODUS_CACHE`, else
 * `$XDG_CACHE_HOME/ourocodus`, else `~/.cache/ourocodus`.
 *
 * @param host The machine.
 * @returns An absolute path, whose folder need not exist; `undefined` if none of the two variables
 * and no HOME is set.
 */
export function cacheFolder(host: Host): string | undefined {
  const own = envValue(host, "OUROCODUS_CACHE");
  if (own !== undefined) return resolve(own);
  const xdg = envValue(host, "XDG_CACHE_HOME");
  if (xdg !== undefined) return resolve(xdg, "ourocodus");
  const home = envValue(host, "HOME");
  return home === undefined ? undefined : resolve(home, ".cache", "ourocodus");
}

/**
 * Where a release's binary is kept.
 *
 * @param host The machine; its platform is part of the path, as homes are shared over networks.
 * @param release The release.
 * @returns An absolute path, whose file need not exist; `undefined` if there is no cache folder.
 */
export function cachedBinary(host: Host, release: Release): string | undefined {
  const { os = Deno.build.os, arch = Deno.build.arch } = host;
  const folder = cacheFolder(host);
  if (folder === undefined) return undefined;
  const platform = platformName(os, arch);
  return join(folder, "nats-server", `${release.version}-${platform}`, "nats-server");
}

import { messageOf } from "@ourocodus/protocol";
import { dirname, join, resolve } from "node:path";
import { envValue, type Host } from "./host.ts";
import { platformName } from "./releases.ts";
import { SetupError } from "./setup_error.ts";
import { natsServerVersion } from "./version.ts";

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
 * @param version The release's version, without `v`.
 * @returns An absolute path, whose file need not exist; `undefined` if there is no cache folder.
 */
export function cachedBinary(host: Host, version: string): string | undefined {
  const folder = cacheFolder(host);
  if (folder === undefined) return undefined;
  return join(folder, "nats-server", `v${version}-${platformName(host)}`, "nats-server");
}

/**
 * Puts a binary of nats-server into its place. It appears there complete or not at all, also with
 * several processes at once.
 *
 * @param target The place; its folder is made.
 * @param make Makes the binary in a folder that is removed afterwards, and returns its path.
 * @param options `version`: that it must have, if known, without `v`. `say`: told where it is kept.
 * @throws {SetupError} `bad-cache`: the folder cannot be written. `unusable`: the binary does not
 * run here, or is another version. Or what `make` throws.
 */
export async function keepBinary(
  target: string,
  make: (folder: string) => Promise<string>,
  options: { readonly version: string; readonly say?: (line: string) => void },
): Promise<void> {
  const { version, say = () => {} } = options;
  // On the target's own file system, so that a rename puts the binary in its place.
  const folder = await temporaryFolder(dirname(target));
  try {
    const binary = await make(folder);
    await checkVersion(binary, version);
    await Deno.rename(binary, target);
    say(`Keeping it in ${dirname(target)}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function temporaryFolder(parent: string): Promise<string> {
  try {
    await Deno.mkdir(parent, { recursive: true });
    return await Deno.makeTempDir({ dir: parent, prefix: ".new-" });
  } catch (error) {
    throw new SetupError("bad-cache", `Cannot write to the cache, ${parent}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

async function checkVersion(binary: string, version: string): Promise<void> {
  let actual: string;
  try {
    actual = await natsServerVersion(binary);
  } catch (error) {
    const reason = messageOf(error);
    const message = `The nats-server ${version} that was fetched does not run here: ${reason}`;
    throw new SetupError("unusable", message, { cause: error });
  }
  if (actual === version) return;
  throw new SetupError("unusable", `What was fetched is nats-server ${actual}, not ${version}`);
}

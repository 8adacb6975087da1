import { type AptOptions, installWithApt, whyNotApt } from "./apt.ts";
import { cachedBinary, cacheFolder } from "./cache.ts";
import { downloadNatsServer } from "./download.ts";
import { findNatsServer, type NatsServer } from "./find.ts";
import { SYSTEM_FOLDERS } from "./host.ts";
import { installInstructions } from "./instructions.ts";
import { type Asset, PINNED_RELEASE, platformName, type Release, releaseAsset } from "./release.ts";
import { SetupError } from "./setup_error.ts";
import { MINIMUM_VERSION, natsServerVersion } from "./version.ts";

/** Options of {@linkcode ensureNatsServer}. */
export interface EnsureOptions extends AptOptions {
  /** The release to fetch; default {@linkcode PINNED_RELEASE}. */
  readonly release?: Release;
  /** How long the download may stand still, in milliseconds; default 15 000. */
  readonly idleTimeoutMs?: number;
}

/**
 * Provides a nats-server: one that is there ({@linkcode findNatsServer}), else the pinned release
 * from the NATS project, else Debian's package.
 *
 * @param options The machine, whom to tell what is done, and a signal that ends it.
 * @returns A nats-server that runs here.
 * @throws {SetupError} `bad-nats-server`: `NATS_SERVER` names something that cannot be used.
 * `checksum`: the download is not the pinned one. `not-found`: nothing helped; the message has the
 * reasons and the commands that install it.
 */
export async function ensureNatsServer(options: EnsureOptions): Promise<NatsServer> {
  const { release = PINNED_RELEASE, say = () => {} } = options;
  const found = await findNatsServer(options);
  if (found) return found;
  say(`Looked for nats-server ${MINIMUM_VERSION} or newer in ${places(options)}: none`);

  const { os = Deno.build.os, arch = Deno.build.arch } = options;
  const platform = platformName(os, arch);
  const asset = releaseAsset(release, platform);
  const reasons: string[] = [];
  for (
    const attempt of [
      () => fetchRelease(asset, platform, release, options),
      () => installPackage(options),
    ]
  ) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof SetupError) || error.code === "checksum") throw error;
      say(error.message);
      reasons.push(error.message);
    }
  }
  throw new SetupError("not-found", installInstructions(asset), { cause: reasons });
}

async function fetchRelease(
  asset: Asset | undefined,
  platform: string,
  release: Release,
  options: EnsureOptions,
): Promise<NatsServer> {
  if (asset === undefined) {
    throw new SetupError("unreachable", `No release is pinned for ${platform}`);
  }
  const path = cachedBinary(options, release);
  if (path === undefined) {
    throw new SetupError("bad-cache", "No folder for the cache: set OUROCODUS_CACHE or HOME");
  }
  await downloadNatsServer(asset, path, options);
  return { path, version: await natsServerVersion(path), source: "download" };
}

async function installPackage(options: EnsureOptions): Promise<NatsServer> {
  const obstacle = await whyNotApt(options);
  if (obstacle !== undefined) {
    throw new SetupError("apt", `Cannot install Debian's package: ${obstacle}`);
  }
  await installWithApt(options);
  const installed = await findNatsServer(options);
  if (!installed) {
    throw new SetupError(
      "apt",
      `Debian's package has no nats-server of ${MINIMUM_VERSION} or newer`,
    );
  }
  return { ...installed, source: "apt" };
}

function places(options: EnsureOptions): string {
  const { systemFolders = SYSTEM_FOLDERS } = options;
  return ["PATH", cacheFolder(options) ?? "no cache (HOME is not set)", ...systemFolders]
    .join(", ");
}

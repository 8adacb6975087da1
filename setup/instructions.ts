import { type Asset } from "./release.ts";
import { MINIMUM_VERSION } from "./version.ts";

/**
 * The commands with which a user installs nats-server.
 *
 * @param asset The pinned archive for this platform, if there is one.
 * @returns Some lines of text.
 */
export function installInstructions(asset: Asset | undefined): string {
  return [
    `Install nats-server ${MINIMUM_VERSION} or newer, then try again:`,
    "",
    "  Debian, Ubuntu:",
    "    sudo apt-get update && sudo apt-get install --no-install-recommends nats-server",
    "  macOS:",
    "    brew install nats-server",
    "  From a release, https://github.com/nats-io/nats-server/releases:",
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

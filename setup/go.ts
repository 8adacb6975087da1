import { join } from "node:path";
import { keepBinary } from "./cache.ts";
import type { Host } from "./host.ts";
import { findProgram, runProgram } from "./programs.ts";
import { SetupError } from "./setup_error.ts";

/** Options of {@linkcode buildWithGo}. */
export interface GoOptions extends Host {
  /** Told of each step. */
  readonly say?: (line: string) => void;
  /** Gives up. */
  readonly signal?: AbortSignal;
}

/**
 * Builds a release from its source with `go install`, which checks the source against Go's checksum
 * database.
 *
 * @param version The release's version, without `v`.
 * @param target Where the binary is to be; the folder is made.
 * @param options The machine.
 * @throws {SetupError} `go`: there is no Go, or it fails; with the end of what it wrote.
 * `unusable`: the binary does not run here. `bad-cache`: the folder cannot be written. In each case
 * nothing is kept.
 */
export async function buildWithGo(
  version: string,
  target: string,
  options: GoOptions,
): Promise<void> {
  const { say = () => {}, signal } = options;
  const go = await findProgram(options, "go");
  if (go === undefined) throw new SetupError("go", "There is no Go to build nats-server with");
  await keepBinary(target, async (folder) => {
    const module = `github.com/nats-io/nats-server/v2@v${version}`;
    say(`Building nats-server, which takes a minute: go install ${module}`);
    const failure = await runProgram(options, [go, "install", module], {
      // Without a C compiler, too.
      env: { GOBIN: folder, CGO_ENABLED: "0" },
      cwd: folder,
      signal,
    });
    if (failure === undefined) return join(folder, "nats-server");
    throw new SetupError("go", `Go could not build nats-server ${version}:\n${failure}`);
  }, { say, version });
}

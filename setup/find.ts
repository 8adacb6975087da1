import { resolve } from "node:path";
import { cachedBinary } from "./cache.ts";
import { envValue, type Host, SYSTEM_FOLDERS } from "./host.ts";
import { PINNED_RELEASE, type Release } from "./release.ts";
import { SetupError } from "./setup_error.ts";
import { isAtLeast, MINIMUM_VERSION, natsServerVersion } from "./version.ts";

/** Where a nats-server came from. */
export type Source = "NATS_SERVER" | "PATH" | "cache" | "system" | "download" | "apt";

/** A nats-server that can be run. */
export interface NatsServer {
  /** Absolute path of the binary. */
  readonly path: string;
  /** Its version without `v`: `2.14.5`. */
  readonly version: string;
  /** How it was found. */
  readonly source: Source;
}

/** Options of {@linkcode findNatsServer}. */
export interface FindOptions extends Host {
  /** The release whose binary the cache may hold; default {@linkcode PINNED_RELEASE}. */
  readonly release?: Release;
  /** Told of each binary that was passed over, and why. */
  readonly say?: (line: string) => void;
}

/**
 * Looks for a nats-server of at least {@linkcode MINIMUM_VERSION}: `NATS_SERVER`, then PATH, then
 * the project's cache, then the system's folders. Installs nothing.
 *
 * `NATS_SERVER` is the user's word: if it is set, nothing else is tried. A binary found elsewhere
 * that is too old or does not run is passed over.
 *
 * @param options The machine, and how to look.
 * @returns The first that is usable, or `undefined`.
 * @throws {SetupError} `bad-nats-server`, if `NATS_SERVER` names something that cannot be used.
 */
export async function findNatsServer(options: FindOptions): Promise<NatsServer | undefined> {
  const { release = PINNED_RELEASE, say = () => {} } = options;
  const named = envValue(options, "NATS_SERVER");
  if (named !== undefined) return await namedServer(named);
  for (const { path, source } of candidates(options, release)) {
    if (await whyNotExecutable(path) !== undefined) continue;
    try {
      return { path, version: await usableVersion(path), source };
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`Passing over ${path}: ${error.message}`);
    }
  }
  return undefined;
}

async function namedServer(value: string): Promise<NatsServer> {
  const path = resolve(value);
  const reason = await whyNotExecutable(path);
  if (reason !== undefined) {
    throw new SetupError("bad-nats-server", `NATS_SERVER is "${value}": ${reason}`);
  }
  try {
    return { path, version: await usableVersion(path), source: "NATS_SERVER" };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const message = `NATS_SERVER is "${value}": ${error.message}`;
    throw new SetupError("bad-nats-server", message, { cause: error });
  }
}

function candidates(host: Host, release: Release): { path: string; source: Source }[] {
  const folders = (envValue(host, "PATH") ?? "").split(":").filter((folder) => folder !== "");
  const cached = cachedBinary(host, release);
  const { systemFolders = SYSTEM_FOLDERS } = host;
  return [
    ...folders.map((folder) => candidate(folder, "PATH")),
    ...(cached === undefined ? [] : [{ path: cached, source: "cache" as const }]),
    ...systemFolders.map((folder) => candidate(folder, "system")),
  ];
}

function candidate(folder: string, source: Source): { path: string; source: Source } {
  return { path: resolve(folder, "nats-server"), source };
}

/** Runs the binary; throws a SetupError if that fails or it is too old. */
async function usableVersion(path: string): Promise<string> {
  const version = await natsServerVersion(path);
  if (!isAtLeast(version, MINIMUM_VERSION)) {
    throw new SetupError(
      "unusable",
      `it is nats-server ${version}, older than ${MINIMUM_VERSION}`,
    );
  }
  return version;
}

async function whyNotExecutable(path: string): Promise<string | undefined> {
  try {
    const info = await Deno.stat(path);
    if (!info.isFile) return "that is not a file";
    // Systems without modes report none; running it will tell.
    if (info.mode !== null && (info.mode & 0o111) === 0) return "that file is not executable";
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "there is no such file";
    return error instanceof Error ? error.message : String(error);
  }
}

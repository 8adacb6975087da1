/**
 * The empty folder in which a process waits for work: the next worktree is made in it.
 *
 * Its user has a lock on it (flock, of the folder itself), which is gone when the user's process is.
 * So folders of agents that were killed are known, and removed by the next agent that starts.
 *
 * @module
 */
import { join } from "node:path";

/** An empty, locked folder that becomes a worktree. */
export interface WaitingFolder {
  readonly path: string;
  /** Whether it is still there, and the same one: a person may have removed it. */
  isThere(): Promise<boolean>;
  /** Removes it if it has nothing in it, and lets go of it. */
  release(): Promise<void>;
}

/** Makes one with a short name. */
export async function makeWaitingFolder(trees: string): Promise<WaitingFolder> {
  await Deno.mkdir(trees, { recursive: true, mode: 0o700 });
  for (;;) {
    const path = join(trees, crypto.randomUUID().slice(0, 8));
    try {
      await Deno.mkdir(path, { mode: 0o700 });
    } catch (error) {
      if (error instanceof Deno.errors.AlreadyExists) continue;
      throw error;
    }
    const folder = await locked(path);
    if (folder !== undefined) return folder;
  }
}

/** A folder that is another's: it is neither locked nor removed. */
export function foreignFolder(path: string): WaitingFolder {
  return { path, isThere: () => Promise.resolve(true), release: () => Promise.resolve() };
}

/** Removes those that nobody uses any more. */
export async function removeAbandoned(trees: string): Promise<void> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(trees)) {
      if (isDirectory) await removeUnused(join(trees, name));
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes a folder that has nothing in it. */
export async function removeIfEmpty(path: string): Promise<void> {
  await Deno.remove(path).catch(() => {}); // Not empty is not ours to remove.
}

/** @returns Undefined if somebody has taken it for abandoned before it was locked. */
async function locked(path: string): Promise<WaitingFolder | undefined> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  await file.lock(true);
  const { ino } = await file.stat();
  let isReleased = false;
  const folder: WaitingFolder = {
    path,
    isThere: () => Deno.stat(path).then((found) => found.ino === ino, () => false),
    release: async () => {
      if (isReleased) return;
      isReleased = true;
      await removeIfEmpty(path);
      file.close();
    },
  };
  if (await folder.isThere()) return folder;
  await folder.release();
  return undefined;
}

async function removeUnused(path: string): Promise<void> {
  try {
    using file = await Deno.open(path);
    if (await file.tryLock(true)) await removeIfEmpty(path);
  } catch {
    // It is gone, or not ours to look at.
  }
}

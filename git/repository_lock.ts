/**
 * One at a time a repository, across processes: worktrees are added and removed under it.
 *
 * @module
 */
import { join } from "node:path";

/** Who is last in line for a lock of this process, by its file. */
const lines = new Map<string, Promise<void>>();

/**
 * Runs something while nobody else has the repository's lock. The lock is the system's (flock), so
 * it is gone when its process is.
 *
 * @param commonDir The repository's folder, which all its worktrees share.
 */
export async function withRepositoryLock<T>(
  commonDir: string,
  run: () => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const path = join(commonDir, "ourocodus.lock");
  const before = lines.get(path) ?? Promise.resolve();
  const { promise: mine, resolve: leave } = Promise.withResolvers<void>();
  const line = before.then(() => mine);
  lines.set(path, line);
  try {
    await before;
    signal?.throwIfAborted();
    // Closed, and so released, whatever happens.
    using file = await Deno.open(path, { create: true, write: true });
    await file.lock(true);
    signal?.throwIfAborted();
    return await run();
  } finally {
    leave();
    if (lines.get(path) === line) lines.delete(path);
  }
}

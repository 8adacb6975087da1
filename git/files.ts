/**
 * Files and folders that may not be there.
 *
 * @module
 */

/** Whether there is something, a broken link too. */
export async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Removes a file, or a folder with all that is in it, if it is there. */
export async function removeAll(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/**
 * Reading and writing whole files of a home.
 *
 * @module
 */

/** Reads one. @returns Undefined if there is none, or it is another user's: not ours to use. */
export async function readHomeFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    const none = error instanceof Deno.errors.NotFound ||
      error instanceof Deno.errors.NotADirectory ||
      error instanceof Deno.errors.PermissionDenied;
    if (none) return undefined;
    throw error;
  }
}

/**
 * Writes one, so that a reader finds the old one or the new one, never a part.
 *
 * @param options `mode`: of the file; by default as the user has it for new files.
 */
export function writeHomeFile(
  path: string,
  text: string,
  options: { readonly mode?: number } = {},
): void {
  const draft = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(draft, text, options);
    Deno.renameSync(draft, path);
  } catch (error) {
    removeHomeFile(draft);
    throw error;
  }
}

/** Removes one, if it is there. */
export function removeHomeFile(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

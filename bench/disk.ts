/**
 * Bytes on disk.
 *
 * @module
 */

/** The sizes of all files below a folder, added up, in bytes. */
export function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    try {
      bytes += entry.isDirectory ? bytesBelow(path) : Deno.statSync(path).size;
    } catch (error) {
      // NATS has removed it just now.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return bytes;
}

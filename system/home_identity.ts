/**
 * Which home is meant. Its path alone does not say: another can be put in its place, and a copy has
 * the same files. Its lock, as a file, is the same wherever the home is moved, and no other's.
 *
 * @module
 */
import type { Home } from "./home.ts";

/** Identifies the home that is at its path now; undefined if none is there that ever had a lock. */
export function identifyHome(home: Home): string | undefined {
  try {
    return identifyLock(Deno.statSync(home.lock));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return undefined;
    }
    throw error;
  }
}

/** Identifies the home whose lock was opened. */
export function identifyLock({ dev, ino }: Deno.FileInfo): string {
  return `${dev}:${ino}`;
}

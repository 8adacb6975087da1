import { createHash } from "node:crypto";
import { basename, join } from "node:path";

/**
 * The folder for a repository's worktrees and records, unless an option says another:
 * `{home}/worktrees/{the repository's name}-{8 hex digits of its path's SHA-256}`.
 *
 * @param root The real path of the repository's main checkout.
 * @param home The folder of `OUROCODUS_HOME`; by default `.ourocodus` in the main checkout.
 */
export function worktreesFolder(root: string, home = join(root, ".ourocodus")): string {
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return join(home, "worktrees", `${basename(root)}-${hash}`);
}

import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import type { CodingOptions } from "./options.ts";

/**
 * The folder for a repository's worktrees and records, as an absolute path. Unless an option says
 * another: `{home}/worktrees/{the repository's name}-{8 hex digits of its path's SHA-256}`, where
 * `home` is `OUROCODUS_HOME`, or `.ourocodus` in the main checkout.
 *
 * @param root The real path of the repository's main checkout.
 */
export function worktreesFolder(
  { worktrees, inherited }: Pick<CodingOptions, "worktrees" | "inherited">,
  root: string,
): string {
  if (worktrees !== undefined) return resolve(worktrees);
  const home = inherited.OUROCODUS_HOME || join(root, ".ourocodus");
  const hash = createHash("sha256").update(root).digest("hex").slice(0, 8);
  return resolve(home, "worktrees", `${basename(root)}-${hash}`);
}

/**
 * Repositories inside of a worktree: their commits are in no ref of the repository that the worktree
 * belongs to.
 *
 * @module
 */
import { join } from "node:path";
import { pathText, splitNul, utf8 } from "./byte_path.ts";
import type { FilesPlace } from "./file_tree.ts";
import { exists } from "./files.ts";
import type { Git } from "./git_process.ts";

/**
 * Finds a repository in one of the folders that a commit has files in, or a submodule that is
 * checked out. Those in folders without tracked files are found where files are added.
 *
 * @returns Its path in the worktree.
 */
export async function nestedRepository(
  git: Git,
  { folder, gitDir }: FilesPlace,
  commit: string,
): Promise<string | undefined> {
  const own = await Deno.lstat(join(folder, ".git")).catch(() => undefined);
  if (own !== undefined && !own.isFile) return "the folder itself";
  if (await exists(join(gitDir, "modules"))) return "a submodule";
  const args = ["ls-tree", "-r", "-t", "-z", "--full-tree", commit];
  const { stdout } = await git.run(args, { place: { gitDir } });
  for (const entry of splitNul(stdout)) {
    // `040000 tree hash\tpath`, and for a submodule `160000 commit hash\tpath`
    const isFolder = entry[0] === 0x30;
    const isSubmodule = entry[0] === 0x31 && entry[1] === 0x36;
    if (!isFolder && !isSubmodule) continue;
    const path = entry.subarray(entry.indexOf(9) + 1);
    const name = utf8(path);
    // The runtime cannot look at it, so it may hold one.
    if (name === undefined) return pathText(path);
    if (await exists(join(folder, name, ".git"))) return pathText(path);
  }
  return undefined;
}

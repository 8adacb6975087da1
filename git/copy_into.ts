/**
 * Copying files that are not in the repository, like `.env`, from the main checkout into a worktree.
 *
 * A file that git does not ignore is refused: it would be part of the work's commit. A copied file
 * never gets into a commit or a snapshot, also if the agent changes what is ignored.
 *
 * @module
 */
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { splitNul } from "./byte_path.ts";
import { GitError } from "./errors.ts";
import type { FilesPlace } from "./file_tree.ts";
import type { Git } from "./git_process.ts";

/** Where copied paths are kept, in the worktree's own folder in the repository. */
const COPIED = "ourocodus-copied";

/**
 * Copies files.
 *
 * @param names Paths from the repository's root, as a user gave them.
 * @throws {GitError} `copy_refused`: says which, and why.
 */
export async function copyFiles(
  git: Git,
  { root, folder, gitDir }: FilesPlace & { readonly root: string },
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return;
  const paths = names.map(insidePath);
  for (const path of paths) await checkSource(root, path);
  await checkIgnored(git, { folder, gitDir }, paths);
  await Deno.writeTextFile(join(gitDir, COPIED), JSON.stringify(paths));
  for (const path of paths) {
    await makeFolder(folder, dirname(path));
    await checkTarget(folder, path);
    await Deno.copyFile(join(root, path), join(folder, path));
  }
}

/** The paths that were copied into a worktree. */
export async function copiedPaths(gitDir: string): Promise<readonly string[]> {
  try {
    return JSON.parse(await Deno.readTextFile(join(gitDir, COPIED)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** @returns The path without `.` and double slashes. @throws {GitError} If it leads outside. */
function insidePath(name: string): string {
  const path = normalize(name).replace(/\/+$/, "");
  const parts = path.split(sep);
  const isOutside = isAbsolute(name) || parts.includes("..") || path === "." || name === "";
  if (isOutside || name.includes("\0")) {
    throw refused(name, "it must be the path of a file inside the repository, from its root");
  }
  if (parts.some((part) => part.toLowerCase() === ".git")) {
    throw refused(name, "git's own files are not copied");
  }
  return path;
}

async function checkSource(root: string, path: string): Promise<void> {
  const source = join(root, path);
  const real = await Deno.realPath(source).catch(() => undefined);
  if (real === undefined) throw refused(path, `there is no ${source}`);
  if (!real.startsWith(`${root}${sep}`)) {
    throw refused(path, `it leads out of the repository, to ${real}`);
  }
  const { isFile, isDirectory } = await Deno.stat(real);
  if (isDirectory) throw refused(path, "it is a folder; name each of its files");
  if (!isFile) throw refused(path, "it is no file");
}

async function checkIgnored(git: Git, place: FilesPlace, paths: readonly string[]): Promise<void> {
  const { stdout } = await git.run(["check-ignore", "-z", "--stdin"], {
    place: { gitDir: place.gitDir, workTree: place.folder },
    input: paths.map((path) => `${path}\0`).join(""),
    codes: [0, 1],
  });
  const ignored = new Set(splitNul(stdout).map((part) => new TextDecoder().decode(part)));
  const path = paths.find((path) => !ignored.has(path));
  if (path === undefined) return;
  throw refused(
    path,
    "git does not ignore it at the work's base, so it would be in the commit; add it to .gitignore " +
      `and commit that, or: echo '/${path}' >> "$(git rev-parse --git-common-dir)/info/exclude"`,
  );
}

/** Makes the folders on the way; none may be a link, which the repository may hold. */
async function makeFolder(folder: string, path: string): Promise<void> {
  let at = folder;
  for (const part of path === "." ? [] : path.split(sep)) {
    at = join(at, part);
    await Deno.mkdir(at).catch((error) => {
      if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    });
    const { isDirectory } = await Deno.lstat(at);
    if (!isDirectory) throw refused(path, `in the worktree ${at} is no folder`);
  }
}

async function checkTarget(folder: string, path: string): Promise<void> {
  const there = await Deno.lstat(join(folder, path)).catch(() => undefined);
  if (there !== undefined) throw refused(path, "the worktree has it already");
}

function refused(name: string, why: string): GitError {
  return new GitError("copy_refused", `Cannot copy ${JSON.stringify(name)}: ${why}`);
}

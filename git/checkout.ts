/**
 * A user's own checkout, into which an agent's work is brought. Nothing in it that is not committed
 * is overwritten.
 *
 * @module
 */
import { join } from "node:path";
import { pathText, splitNul } from "./byte_path.ts";
import { GitError } from "./errors.ts";
import { exists } from "./files.ts";
import { Git } from "./git_process.ts";
import { type PatchedFile, patchedFiles } from "./patch_text.ts";
import type { RepositoryOptions } from "./repository.ts";

/** What became of a patch. */
export type Applied =
  /** It is in files and index, to be committed. */
  | { readonly kind: "applied"; readonly files: readonly PatchedFile[] }
  | { readonly kind: "already" }
  /** Nothing was changed: these files have changes that are not committed. */
  | { readonly kind: "dirty"; readonly paths: readonly string[] }
  /** It is in files and index, with these files in conflict. */
  | {
    readonly kind: "conflict";
    readonly files: readonly PatchedFile[];
    readonly conflicts: readonly string[];
  }
  /** Nothing was changed: `why` is git's. */
  | { readonly kind: "impossible"; readonly why: string };

/** A checkout. */
export class Checkout {
  /** Its top folder. */
  readonly folder: string;
  readonly #git: Git;

  private constructor(git: Git, folder: string) {
    this.#git = git;
    this.folder = folder;
  }

  /** Finds the checkout that a folder is in. @throws {GitError} `no_repository` if it is in none. */
  static async open(folder: string, { env }: RepositoryOptions): Promise<Checkout> {
    const git = Git.forCheckout(env);
    const cwd = await Deno.realPath(folder).catch(() => undefined);
    if (cwd === undefined) {
      throw new GitError("no_repository", `Cannot use the checkout ${folder}: it is not there`);
    }
    const { code, stdout, stderr } = await git.run(["rev-parse", "--show-toplevel"], {
      cwd,
      codes: [0, 128],
    });
    const top = new TextDecoder().decode(stdout).replace(/\n$/, "");
    if (code === 0 && top !== "") return new Checkout(git, top);
    throw new GitError(
      "no_repository",
      `Cannot use the checkout ${cwd}: ${
        stderr.trim() || "it has no files"
      }; name another with --repo`,
    );
  }

  /**
   * Applies a patch to files and index. Where lines have changed it is merged, if the repository has
   * what the patch was made of.
   *
   * @param commit The commit that the patch leads to, if it is known.
   * @throws {GitError}
   */
  async apply(patch: string, commit?: string): Promise<Applied> {
    const files = patchedFiles(patch);
    if (commit !== undefined && await this.#hasMerged(commit)) return { kind: "already" };
    if (await this.#isThere(files)) return { kind: "already" };
    const paths = await this.#dirty(files);
    if (paths.length > 0) return { kind: "dirty", paths };
    const check = await this.#apply(patch, ["--check", "--index"]);
    if (check.code === 0) {
      const { code, stderr } = await this.#apply(patch, ["--index"]);
      return code === 0 ? { kind: "applied", files } : { kind: "impossible", why: stderr };
    }
    if ((await this.#apply(patch, ["--check", "--index", "--reverse"])).code === 0) {
      return { kind: "already" };
    }
    // It changes nothing if what the patch was made of is missing.
    const { code, stderr } = await this.#apply(patch, ["--3way"]);
    const touched = new Set(files.map(({ path }) => path));
    const conflicts = (await this.#unmerged()).filter((path) => touched.has(path));
    if (conflicts.length > 0) return { kind: "conflict", files, conflicts };
    if (code === 0) return { kind: "applied", files };
    return { kind: "impossible", why: stderr };
  }

  async #apply(
    patch: string,
    flags: readonly string[],
  ): Promise<{ readonly code: number; readonly stderr: string }> {
    const args = ["apply", "--whitespace=nowarn", ...flags, "-"];
    const { code, stderr } = await this.#git.run(args, {
      cwd: this.folder,
      input: patch,
      codes: [0, 1, 128],
    });
    return { code, stderr: stderr.trim() };
  }

  /** Whether HEAD has a commit in its past. */
  async #hasMerged(commit: string): Promise<boolean> {
    if (!/^[0-9a-f]{40,64}$/.test(commit)) return false;
    const args = ["merge-base", "--is-ancestor", commit, "HEAD"];
    return (await this.#git.run(args, { cwd: this.folder, codes: [0, 1, 128] })).code === 0;
  }

  /** Whether the index has each file as it is after the patch. */
  async #isThere(files: readonly PatchedFile[]): Promise<boolean> {
    if (files.length === 0 || files.some(({ ids }) => ids === undefined)) return false;
    const { stdout } = await this.#git.run(["ls-files", "-s", "-z"], { cwd: this.folder });
    const now = new Map(
      splitNul(stdout).map((line) => {
        const tab = line.indexOf(9);
        const [, id = ""] = new TextDecoder().decode(line.subarray(0, tab)).split(" ");
        return [pathText(line.subarray(tab + 1)), id];
      }),
    );
    return files.every(({ path, from, status, ids }) => {
      if (status === "renamed" && from !== undefined && now.has(from)) return false;
      const wanted = status === "deleted" ? undefined : ids?.[1];
      return now.get(path) === wanted;
    });
  }

  /** Files of the patch with changes that are not committed, or that are not in the repository. */
  async #dirty(files: readonly PatchedFile[]): Promise<string[]> {
    const args = ["status", "--porcelain", "-z", "--no-renames", "--untracked-files=all"];
    const { stdout } = await this.#git.run(args, { cwd: this.folder });
    const touched = new Set(files.flatMap(({ path, from }) => from ? [path, from] : [path]));
    const dirty = splitNul(stdout).map((entry) => pathText(entry.subarray(3)));
    const ignored = await Promise.all(files.map(async ({ path, status }) => {
      const isNew = status === "added" || status === "renamed";
      return isNew && await exists(join(this.folder, path)) ? [path] : [];
    }));
    return [...new Set([...dirty.filter((path) => touched.has(path)), ...ignored.flat()])].sort();
  }

  async #unmerged(): Promise<string[]> {
    const args = ["diff", "--name-only", "--diff-filter=U", "-z", "--no-ext-diff"];
    const { stdout } = await this.#git.run(args, { cwd: this.folder });
    return [...new Set(splitNul(stdout).map(pathText))];
  }
}

/**
 * A folder in which an agent works at a branch of its own, and what happens to its content: it is
 * committed, kept as snapshots, or left where it is, but never deleted while no ref reaches it.
 * Ignored files are not kept.
 *
 * Whatever state the agent has left it in is taken: own commits, another branch, no branch, a reset,
 * a rebase in the middle, a `.git` that is gone. What the agent can no longer reach gets refs under
 * `refs/ourocodus/{sequence}/kept/`.
 *
 * @module
 */
import { join } from "node:path";
import { type Changes, type ChangesOptions, readChanges } from "./changes.ts";
import { type Author, authorVariables, messageWith } from "./commit_message.ts";
import { copiedPaths } from "./copy_into.ts";
import { GitError } from "./errors.ts";
import { type FileTree, type LeftOut, TreeIndex } from "./file_tree.ts";
import { exists, removeAll } from "./files.ts";
import type { Git } from "./git_process.ts";
import { nestedRepository } from "./nested_repository.ts";
import { withRepositoryLock } from "./repository_lock.ts";
import {
  forgetOperation,
  keepUnreachable,
  namedObjects,
  unfinishedOperation,
} from "./unreachable.ts";

/** Where a worktree is, and what for. */
export interface WorktreePlace {
  /** Absolute, without symbolic links. */
  readonly folder: string;
  readonly branch: string;
  /** The commit that it began at. */
  readonly base: string;
  /** The work item's. */
  readonly sequence: number;
  /** The worktree's own folder in the repository. */
  readonly gitDir: string;
  /** The repository's folder, which all its worktrees share. */
  readonly commonDir: string;
}

/** Names a snapshot: `refs/ourocodus/{sequence}/{attempt}/{n}`. */
export interface SnapshotName {
  readonly sequence: number;
  readonly attempt: number;
  readonly n: number;
}

/** What to commit as. */
export interface CommitOptions {
  readonly message: string;
  readonly author: Author;
  readonly trailers: Readonly<Record<string, string>>;
}

/** What became of a folder that should be removed. */
export type Removal =
  | { readonly kind: "removed" }
  /** `why` begins with what is in the way: `notes.txt has changes that no commit has`. */
  | { readonly kind: "kept"; readonly why: string };

/** Where HEAD and the branch are; undefined if they are nowhere. */
interface Heads {
  readonly head: string | undefined;
  readonly headTree: string | undefined;
  readonly tip: string | undefined;
}

/** A worktree. Its methods may be called at any time; they take turns. */
export class Worktree {
  readonly folder: string;
  readonly branch: string;
  readonly base: string;
  /** What of the folder the last snapshot or commit could not take, and why; nothing mostly. */
  left: readonly LeftOut[] = [];
  readonly #git: Git;
  readonly #place: WorktreePlace;
  readonly #tree: TreeIndex;
  #turn: Promise<unknown> = Promise.resolve();
  /** Tree, HEAD and branch at the last snapshot. */
  #last: string | undefined;

  constructor(git: Git, place: WorktreePlace, tree = new TreeIndex(git, place)) {
    this.folder = place.folder;
    this.branch = place.branch;
    this.base = place.base;
    this.#git = git;
    this.#place = place;
    this.#tree = tree;
  }

  /**
   * Keeps all that is not ignored as a commit, which HEAD and the branch are parents of.
   *
   * @returns The commit; undefined if nothing has changed since the last one, or since the base. A
   * name that is taken is not used again: the next free number is.
   * @throws {GitError}
   */
  async snapshot(name: SnapshotName): Promise<string | undefined> {
    return await this.#inTurn(async () => (await this.#snapshot(name)).commit);
  }

  /**
   * Commits all that is not ignored onto HEAD, and has the branch be there. Without anything to
   * commit the branch goes where HEAD is.
   *
   * @returns The commit; the base if nothing at all has changed.
   * @throws {GitError}
   */
  async commit(options: CommitOptions): Promise<string> {
    return await this.#inTurn(async () => {
      const { heads, files: { tree } } = await this.#look();
      const parent = heads.head ?? heads.tip ?? this.base;
      const parentTree = heads.head === undefined ? undefined : heads.headTree;
      const commit = tree === parentTree
        ? parent
        : await this.#commitTree(tree, [parent], messageWith(options.message, options.trailers), {
          author: options.author,
        });
      await this.#keep({ ...heads, tree }, [commit]);
      await this.#moveTo(commit, heads);
      return commit;
    });
  }

  /** What has changed from the base to a commit. @throws {GitError} */
  async changes(commit: string, options?: ChangesOptions): Promise<Changes> {
    return await readChanges(this.#git, this.#place.commonDir, {
      base: this.base,
      commit,
      ...options,
    });
  }

  /**
   * Puts files, branch and HEAD back to the base. What is there before is kept as a snapshot.
   * Ignored files, and repositories in the folder, stay as they are.
   *
   * @throws {GitError}
   */
  async resetToBase(name: SnapshotName): Promise<void> {
    await this.#inTurn(async () => {
      const { heads, tree } = await this.#snapshot(name);
      await this.#keep({ ...heads, tree }, [this.base]);
      await this.#tree.change(this.base);
      await forgetOperation(this.#place.gitDir);
      await this.#moveTo(this.base, heads);
      this.#last = undefined;
    });
  }

  /**
   * Removes the folder if HEAD's commit has all that is in it and is not ignored, else leaves it.
   * Commits that only the folder's reflog knows get refs. The branch stays.
   *
   * @throws {GitError}
   */
  async remove(): Promise<Removal> {
    return await this.#inTurn(async () => {
      const { gitDir, commonDir, folder } = this.#place;
      if (!await exists(folder)) {
        if (await exists(join(gitDir, "HEAD"))) await this.#keep(await this.#heads(), []);
      } else {
        const found = await this.#inTheWay(this.#tree);
        if (found.why !== undefined) return { kind: "kept", why: found.why };
        // Commits that would be lost with the folder's reflog.
        await this.#keep(found.heads, []);
      }
      // Deleting many files takes a while, in which others may add worktrees.
      await removeAll(folder);
      await withRepositoryLock(commonDir, () => removeAll(gitDir));
      return { kind: "removed" };
    });
  }

  /**
   * What is in the way of removing the folder, as {@linkcode Removal} says it. Changes nothing, also
   * while an agent, or another process of the product, works in it.
   *
   * @returns Undefined if it can be removed.
   */
  async inspect(): Promise<string | undefined> {
    await using tree = await this.#tree.apart();
    return (await this.#inTheWay(tree)).why;
  }

  async #inTheWay(
    index: TreeIndex,
  ): Promise<{ readonly why: string } | { readonly why?: undefined; readonly heads: Heads }> {
    const { gitDir } = this.#place;
    const operation = await unfinishedOperation(gitDir);
    if (operation !== undefined) return { why: `${operation} is in the middle` };
    const { heads, files: { tree, left } } = await this.#look(index);
    const [first] = left;
    if (first !== undefined) return { why: first.path ? `${first.path} ${first.why}` : first.why };
    if (heads.head === undefined) return { why: "HEAD is at no commit" };
    if (tree !== heads.headTree) {
      return { why: await this.#changedFiles(heads.headTree ?? "", tree) };
    }
    const nested = await nestedRepository(this.#git, this.#place, heads.head);
    if (nested !== undefined) return { why: `${nested} is a git repository of its own` };
    return { heads };
  }

  async #changedFiles(from: string, to: string): Promise<string> {
    const args = ["diff-tree", "-r", "--name-only", from, to];
    const names = (await this.#git.text(args, { place: this.#bare })).split("\n");
    const others = names.length > 1 ? ` and ${names.length - 1} more` : "";
    return `${names[0]}${others} ${others ? "have" : "has"} changes that no commit has`;
  }

  async #snapshot(
    { sequence, attempt, n }: SnapshotName,
  ): Promise<{ readonly commit?: string; readonly heads: Heads; readonly tree: string }> {
    const { heads, files: { tree } } = await this.#look();
    const now = `${tree} ${heads.head} ${heads.tip}`;
    const isBase = heads.head === this.base && heads.tip === this.base && tree === heads.headTree;
    if (now === this.#last || isBase && this.#last === undefined) return { heads, tree };
    const parents = [...new Set([heads.head, heads.tip])].filter((commit) => commit !== undefined);
    const message = messageWith(`Snapshot ${n} of attempt ${attempt} at ${this.branch}`, {
      "Ourocodus-Branch": this.branch,
      "Ourocodus-Base": this.base,
      "Ourocodus-Sequence": String(sequence),
    });
    const commit = await this.#commitTree(tree, parents.length ? parents : [this.base], message);
    await this.#newRef({ sequence, attempt, n }, commit);
    this.#last = now;
    return { commit, heads, tree };
  }

  /** Never takes a ref that is there. */
  async #newRef({ sequence, attempt, n }: SnapshotName, commit: string): Promise<void> {
    const folder = `refs/ourocodus/${sequence}/${attempt}`;
    const none = "0".repeat(commit.length);
    const create = (number: number, codes: readonly number[]) =>
      this.#git.run(["update-ref", "--no-deref", `${folder}/${number}`, commit, none], {
        place: { gitDir: this.#place.commonDir },
        codes,
      });
    if ((await create(n, [0, 1, 128])).code === 0) return;
    const args = ["for-each-ref", "--format=%(refname:lstrip=4)", `${folder}/`];
    const taken = await this.#git.text(args, { place: { gitDir: this.#place.commonDir } });
    await create(Math.max(n, ...taken.split("\n").map(Number).filter(Number.isInteger)) + 1, [0]);
  }

  /** HEAD, the branch, and a tree of the files. */
  async #look(
    index = this.#tree,
  ): Promise<{ readonly heads: Heads; readonly files: FileTree }> {
    await this.#check();
    const heads = await this.#heads();
    const head = heads.head ?? heads.tip ?? this.base;
    const files = await index.write(head, await copiedPaths(this.#place.gitDir));
    this.left = files.left;
    return { heads, files };
  }

  async #heads(): Promise<Heads> {
    const wanted = ["HEAD^{commit}", "HEAD^{tree}", `refs/heads/${this.branch}^{commit}`];
    const found = await this.#git.text(["cat-file", "--batch-check=%(objectname)"], {
      place: this.#bare,
      input: `${wanted.join("\n")}\n`,
    });
    const [head, headTree, tip] = found.split("\n").map((line) =>
      /^[0-9a-f]+$/.test(line) ? line : undefined
    );
    return { head, headTree, tip };
  }

  async #commitTree(
    tree: string,
    parents: readonly string[],
    message: string,
    { author }: { readonly author?: Author } = {},
  ): Promise<string> {
    const args = ["commit-tree", tree, ...parents.flatMap((parent) => ["-p", parent]), "-F", "-"];
    const variables = authorVariables(author);
    return await this.#git.text(args, { place: this.#bare, input: message, variables });
  }

  /** Gives refs to what only this worktree names, except where the branch is about to be. */
  async #keep(
    heads: Heads & { readonly tree?: string },
    reached: readonly string[],
  ): Promise<void> {
    const { gitDir, commonDir, sequence } = this.#place;
    const named = await namedObjects(this.#git, gitDir);
    const staged = await this.#stagedCommit(heads);
    const objects = [heads.head, heads.tip, staged, ...named].filter((object) =>
      object !== undefined && object !== this.base
    ) as string[];
    const isMoving = reached.length > 0;
    await keepUnreachable(this.#git, {
      commonDir,
      sequence,
      objects,
      reached,
      ...(isMoving && { moving: this.branch }),
    });
  }

  /** A commit of what the agent has staged, if it is neither HEAD's nor the files'. */
  async #stagedCommit(
    { head, headTree, tree }: Heads & { readonly tree?: string },
  ): Promise<string | undefined> {
    const staged = await this.#tree.staged();
    if (staged === undefined || staged === headTree || staged === tree) return undefined;
    const message = messageWith(`Staged, but not committed, at ${this.branch}`, {});
    return await this.#commitTree(staged, [head ?? this.base], message);
  }

  /** Has the branch, HEAD and the agent's index be at a commit. */
  async #moveTo(commit: string, { tip }: Heads): Promise<void> {
    try {
      await this.#moveBranch(tip, commit);
      await this.#settle(commit);
    } catch (error) {
      if (!(error instanceof GitError) || !/\.lock': File exists/.test(error.message)) throw error;
      // A git of the agent was killed: git has waited for it, and both belong to this work alone.
      const { gitDir, commonDir } = this.#place;
      await removeAll(join(gitDir, "HEAD.lock"));
      await removeAll(join(commonDir, "refs", "heads", `${this.branch}.lock`));
      await this.#moveBranch((await this.#heads()).tip, commit);
      await this.#settle(commit);
    }
  }

  async #moveBranch(from: string | undefined, to: string): Promise<void> {
    if (from === to) return;
    const before = from ?? "0".repeat(to.length);
    const args = ["update-ref", "--no-deref", "-m", "ourocodus", `refs/heads/${this.branch}`, to];
    await this.#git.run([...args, before], { place: this.#bare });
  }

  /** Has HEAD be the branch, and the agent's index be like it, but not in an operation's middle. */
  async #settle(commit: string): Promise<void> {
    const { gitDir } = this.#place;
    if (await unfinishedOperation(gitDir) !== undefined) return;
    const wanted = `ref: refs/heads/${this.branch}`;
    const head = await Deno.readTextFile(join(gitDir, "HEAD")).catch(() => "");
    if (head.trim() !== wanted) {
      await this.#git.run(["symbolic-ref", "HEAD", `refs/heads/${this.branch}`], {
        place: this.#bare,
      });
    }
    await this.#tree.install(commit);
  }

  /** The folder must be a folder: it may have been replaced by a link to anywhere. */
  async #check(): Promise<void> {
    const { folder, gitDir } = this.#place;
    await checkFolder(folder);
    if (!await exists(join(gitDir, "HEAD"))) throw missing(folder, `${gitDir} is not there`);
  }

  async #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => {});
    return await result;
  }

  get #bare(): { readonly gitDir: string; readonly workTree: string } {
    // Where no files are looked at, none are there to be looked at.
    return { gitDir: this.#place.gitDir, workTree: this.#place.commonDir };
  }
}

/** @throws {GitError} If a worktree's folder is none, or lies behind a symbolic link. */
export async function checkFolder(folder: string): Promise<void> {
  const found = await Deno.lstat(folder).catch(() => undefined);
  if (found === undefined) throw missing(folder, "the folder is not there");
  if (!found.isDirectory) throw missing(folder, "it is not a folder (any more)");
  const real = await Deno.realPath(folder);
  if (real !== folder) throw missing(folder, `it is at ${real} now`);
}

/** The error of a worktree that cannot be found again. */
export function missing(folder: string, why: string): GitError {
  return new GitError(
    "worktree_missing",
    `Cannot use the worktree ${folder}: ${why}; "git worktree list" in the repository says what is ` +
      "left, and commits that were made are still in it",
  );
}

/**
 * A git repository, and the worktrees that are made of it.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { readPatch } from "./changes.ts";
import { copyFiles } from "./copy_into.ts";
import { GitError } from "./errors.ts";
import { TreeIndex } from "./file_tree.ts";
import { Git, type GitPlace } from "./git_process.ts";
import { withRepositoryLock } from "./repository_lock.ts";
import { checkFolder, missing, Worktree, type WorktreePlace } from "./worktree.ts";

/** Options of {@linkcode Repository.open}. */
export interface RepositoryOptions {
  /** The program's environment, of which git gets PATH, HOME and a few others. */
  readonly env: Readonly<Record<string, string>>;
}

/** A worktree to be made, or to be found again. */
export interface WorktreeOptions {
  /** Empty, or not there yet. */
  readonly folder: string;
  readonly branch: string;
  /** A commit's id, from {@linkcode Repository.resolveBase}. */
  readonly base: string;
  /** The work item's. */
  readonly sequence: number;
}

/** A snapshot that is kept. */
export interface Snapshot {
  readonly ref: string;
  readonly commit: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly n: number;
  readonly branch: string;
  readonly base: string;
  readonly madeAt: Date;
}

/** A branch is tried with so many endings before it is given up. */
const MAX_SUFFIX = 1_000;

/** A repository with at least one commit. */
export class Repository {
  /** Of the main checkout, absolute, without symbolic links; of a bare one the repository itself. */
  readonly root: string;
  /** The repository's folder, which all worktrees share. */
  readonly commonDir: string;
  readonly #git: Git;
  /** Where HEAD is: in a linked worktree that is its own. */
  readonly #ownDir: string;

  private constructor(git: Git, { root, commonDir, ownDir }: RepositoryPlace) {
    this.#git = git;
    this.root = root;
    this.commonDir = commonDir;
    this.#ownDir = ownDir;
  }

  /**
   * Finds the repository that a folder is in; of a linked worktree that is the main one, with the
   * worktree's HEAD.
   *
   * @throws {GitError} `no_repository` if there is none or it has no commit yet.
   */
  static async open(folder: string, { env }: RepositoryOptions): Promise<Repository> {
    const git = new Git(env);
    const cwd = await Deno.realPath(folder).catch(() => undefined);
    if (cwd === undefined) {
      throw new GitError("no_repository", `Cannot use the repository ${folder}: it is not there`);
    }
    const found = await findPlace(git, cwd);
    const { commonDir } = found;
    if (!await isBegun(git, commonDir)) {
      throw new GitError(
        "no_repository",
        `Cannot use the repository ${cwd}: it has no commit yet, and a worktree begins at one; ` +
          "run git add . && git commit in it first",
      );
    }
    return new Repository(git, found);
  }

  /** The id of the commit that a name means. @throws {GitError} If there is none. */
  async resolveBase(ref = "HEAD"): Promise<string> {
    const head = ref === "HEAD" ? await branchTip(this.#ownDir, this.commonDir) : undefined;
    if (head !== undefined) return head;
    const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`];
    const place = { gitDir: this.#ownDir };
    const { code, stdout } = await this.#git.run(args, { place, codes: [0, 1, 128] });
    const commit = new TextDecoder().decode(stdout).trim();
    if (code === 0 && commit !== "") return commit;
    throw new GitError(
      "git_failed",
      `Cannot begin at ${JSON.stringify(ref)}: ${this.root} has no such commit; ` +
        "git branch --all lists branches",
    );
  }

  /**
   * Makes a worktree with a new branch, one at a time a repository; files are written by several at
   * once. If there is such a branch already, the new one ends in `-2`, `-3`, …
   *
   * @throws {GitError}
   */
  async addWorktree(options: WorktreeOptions & { signal?: AbortSignal }): Promise<Worktree> {
    const { folder, branch, base, sequence, signal } = options;
    const free = await this.#addTo(folder, { branch, base, signal });
    const real = await Deno.realPath(folder);
    const gitDir = await this.#gitDirOf(real);
    if (gitDir === undefined) throw missing(real, "git has not made it");
    const place = { folder: real, branch: free, base, sequence, gitDir, commonDir: this.commonDir };
    await this.#checkOut(place, signal);
    const tree = new TreeIndex(this.#git, place);
    await tree.begin();
    return new Worktree(this.#git, place, tree);
  }

  /**
   * Finds a worktree again.
   *
   * @throws {GitError} `worktree_missing` if its folder, or what the repository knows of it, is gone.
   */
  async openWorktree({ folder, branch, base, sequence }: WorktreeOptions): Promise<Worktree> {
    const path = resolve(folder);
    await checkFolder(path);
    const gitDir = await this.#gitDirOf(path);
    if (gitDir === undefined) throw missing(path, `${this.root} does not know it (any more)`);
    const { commonDir } = this;
    return new Worktree(this.#git, { folder: path, branch, base, sequence, gitDir, commonDir });
  }

  /** Copies files that git ignores from the main checkout into a new worktree. @throws {GitError} */
  async copyInto({ folder }: Worktree, names: readonly string[]): Promise<void> {
    const gitDir = await this.#gitDirOf(folder);
    if (gitDir === undefined) throw missing(folder, `${this.root} does not know it (any more)`);
    await copyFiles(this.#git, { root: this.root, folder, gitDir }, names);
  }

  /** A work item's snapshots, the newest last. @throws {GitError} */
  async snapshots(sequence: number): Promise<Snapshot[]> {
    return await this.#snapshots(`refs/ourocodus/${sequence}/`);
  }

  /** All work items' snapshots, the newest last. @throws {GitError} */
  async allSnapshots(): Promise<Snapshot[]> {
    return await this.#snapshots("refs/ourocodus/");
  }

  /** Deletes snapshots' refs; git deletes what nothing else reaches, in its own time. */
  async dropSnapshots(snapshots: readonly Snapshot[]): Promise<void> {
    if (snapshots.length === 0) return;
    const input = snapshots.map(({ ref, commit }) => `delete ${ref} ${commit}\n`).join("");
    await this.#git.run(["update-ref", "--no-deref", "--stdin"], { place: this.#place, input });
  }

  /** A patch that `git apply` takes. @throws {GitError} If it is too large for a text, too. */
  async patch(base: string, commit: string): Promise<string> {
    const { patch, patchBytes } = await readPatch(this.#git, this.commonDir, { base, commit });
    if (patch !== undefined) return patch;
    throw new GitError(
      "git_failed",
      `The patch has ${patchBytes} bytes, too many to show; git diff ${base} ${commit} does`,
    );
  }

  /** Whether all of these objects are there. */
  async has(...objects: readonly string[]): Promise<boolean> {
    if (objects.some((object) => !/^[0-9a-f]{40,64}$/.test(object))) return false;
    const found = await this.#git.text(["cat-file", "--batch-check=%(objecttype)"], {
      place: this.#place,
      input: `${objects.join("\n")}\n`,
    });
    return !/ missing$/m.test(found);
  }

  /** @returns The branch that was free. */
  async #addTo(
    folder: string,
    { branch, base, signal }: { branch: string; base: string; signal?: AbortSignal },
  ): Promise<string> {
    return await withRepositoryLock(this.commonDir, async () => {
      for (let number = 1; number <= MAX_SUFFIX; number++) {
        const name = number === 1 ? branch : `${branch}-${number}`;
        // No tracking: that would be written to the config, under its lock. No files: writing them
        // takes the longest by far, and needs no lock.
        const flags = ["--quiet", "--no-track", "--no-checkout", "-b", name];
        const args = ["worktree", "add", ...flags, "--", folder, base];
        const { code, stderr } = await this.#git.run(args, {
          place: this.#place,
          codes: [0, 128, 255],
          signal,
        }).catch(async (error) => {
          await this.#dropNew(name, base);
          throw error;
        });
        if (code === 0) return name;
        if (!/a branch named .* already exists/.test(stderr)) {
          await this.#dropNew(name, base);
          throw cannotAdd(folder, name, stderr);
        }
      }
      throw new GitError(
        "git_failed",
        `Cannot add a worktree: there are branches ${branch} to ${branch}-${MAX_SUFFIX} already; ` +
          "delete those that are not needed with git branch -D",
      );
    }, signal);
  }

  /** Writes the files of a new worktree; if that fails, nothing of it is left. */
  async #checkOut(place: WorktreePlace, signal: AbortSignal | undefined): Promise<void> {
    const { folder, gitDir, branch, base } = place;
    // As git itself does it in `worktree add`.
    const args = ["reset", "--hard", "--quiet", "--no-recurse-submodules"];
    try {
      const git = await this.#git.withoutFilters(this.commonDir);
      const { code, stderr } = await git.run(args, {
        place: { gitDir, workTree: folder },
        codes: [0, 1, 128],
        signal,
      });
      if (code !== 0) throw cannotAdd(folder, branch, stderr);
    } catch (error) {
      await Deno.remove(folder, { recursive: true });
      await withRepositoryLock(this.commonDir, () => Deno.remove(gitDir, { recursive: true }));
      await this.#dropNew(branch, base);
      throw error;
    }
  }

  /** git leaves the branch where it then fails to make the worktree. */
  async #dropNew(branch: string, base: string): Promise<void> {
    const args = ["update-ref", "--no-deref", "-d", `refs/heads/${branch}`, base];
    await this.#git.run(args, { place: this.#place, codes: [0, 1, 128] });
  }

  /** A worktree's own folder in the repository, from what the repository says of it. */
  async #gitDirOf(folder: string): Promise<string | undefined> {
    const worktrees = join(this.commonDir, "worktrees");
    const wanted = join(folder, ".git");
    // git takes the folder's name, and a number after it if that is taken.
    const likely = join(worktrees, basename(folder));
    if (await leadsTo(likely, wanted)) return likely;
    try {
      for await (const { name } of Deno.readDir(worktrees)) {
        if (await leadsTo(join(worktrees, name), wanted)) return join(worktrees, name);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    return undefined;
  }

  async #snapshots(prefix: string): Promise<Snapshot[]> {
    // One field for all: git 2.39 mixes up several fields of trailers.
    const trailers = "%(contents:trailers:only,valueonly,separator=%x20)";
    const fields = ["%(refname)", "%(objectname)", "%(committerdate:unix)", trailers];
    const args = ["for-each-ref", `--format=${fields.join("%09")}`, prefix];
    const lines = (await this.#git.text(args, { place: this.#place })).split("\n");
    return lines.flatMap((line) => {
      const [ref = "", commit = "", seconds, values = ""] = line.split("\t");
      const [branch = "", base = ""] = values.split(" ");
      const [, sequence, attempt, n] = /^refs\/ourocodus\/(\d+)\/(\d+)\/(\d+)$/.exec(ref) ?? [];
      if (sequence === undefined) return [];
      const numbers = { sequence: Number(sequence), attempt: Number(attempt), n: Number(n) };
      return [{ ref, commit, ...numbers, branch, base, madeAt: new Date(Number(seconds) * 1_000) }];
    }).sort((a, b) =>
      a.madeAt.getTime() - b.madeAt.getTime() || a.attempt - b.attempt || a.n - b.n
    );
  }

  get #place(): GitPlace {
    return { gitDir: this.commonDir };
  }
}

function cannotAdd(folder: string, branch: string, stderr: string): GitError {
  return new GitError(
    "git_failed",
    `Cannot add the worktree ${folder} at ${branch}: ${stderr.trim()}`,
  );
}

/** The repository of a folder, and its main checkout. */
interface RepositoryPlace {
  readonly root: string;
  readonly commonDir: string;
  readonly ownDir: string;
}

async function findPlace(git: Git, cwd: string): Promise<RepositoryPlace> {
  const asked = ["--git-common-dir", "--git-dir", "--show-toplevel"];
  const args = ["rev-parse", "--path-format=absolute", ...asked];
  // Without a checkout, in a bare repository or in .git itself, the last one fails after the others.
  const { stdout, stderr } = await git.run(args, { cwd, codes: [0, 128] });
  const [common, own, top] = new TextDecoder().decode(stdout).split("\n");
  if (common) {
    const commonDir = await Deno.realPath(common);
    if (top && own === common) {
      return { commonDir, ownDir: commonDir, root: await Deno.realPath(top) };
    }
    const root = basename(commonDir) === ".git" ? dirname(commonDir) : commonDir;
    return { commonDir, ownDir: await Deno.realPath(own ?? common), root };
  }
  const why = /not a git repository/.test(stderr)
    ? "it is no git repository; run git init && git add . && git commit -m begin in it, or name " +
      "another"
    : stderr.trim();
  throw new GitError("no_repository", `Cannot use the repository ${cwd}: ${why}`);
}

/** Whether there is a commit. Worktrees' HEADs are not asked: one may just be made. */
async function isBegun(git: Git, commonDir: string): Promise<boolean> {
  const place = { gitDir: commonDir };
  const head = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
  if ((await git.run(head, { place, codes: [0, 1, 128] })).code === 0) return true;
  return await git.text(["for-each-ref", "--count=1", "--format=%(objectname)"], { place }) !== "";
}

/**
 * The commit of the branch that HEAD is at, read from its file, as that is what is asked for most
 * often; undefined where git has to be asked.
 */
async function branchTip(ownDir: string, commonDir: string): Promise<string | undefined> {
  try {
    const [, branch] = /^ref: (refs\/heads\/[^\n]+)\n$/.exec(
      await Deno.readTextFile(join(ownDir, "HEAD")),
    ) ?? [];
    if (branch === undefined) return undefined;
    const tip = await Deno.readTextFile(join(commonDir, branch));
    return /^[0-9a-f]{40,64}\n$/.test(tip) ? tip.trim() : undefined;
  } catch {
    return undefined; // It is packed, or there is none.
  }
}

async function leadsTo(gitDir: string, wanted: string): Promise<boolean> {
  try {
    const text = (await Deno.readTextFile(join(gitDir, "gitdir"))).replace(/\n$/, "");
    return resolve(gitDir, text) === wanted;
  } catch {
    return false;
  }
}

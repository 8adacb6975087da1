/**
 * The files of a worktree as a tree object, through an index of its own: the agent's index is
 * neither read nor locked.
 *
 * The index stays between trees, so that only what has changed is read. It begins as a copy of the
 * index that git made with the worktree, before any agent saw it. It never holds submodules: git
 * would run `git status` inside of them, with a configuration that the agent may have written.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { pathText, splitNul } from "./byte_path.ts";
import { exists } from "./files.ts";
import type { Git, GitPlace } from "./git_process.ts";

/** A tree, and what could not be in it. */
export interface FileTree {
  readonly tree: string;
  /** What is in the folder, but not in the tree, and why; nothing mostly. */
  readonly left: readonly LeftOut[];
}

/** Something that git does not take. */
export interface LeftOut {
  /** Absent where git only said why. */
  readonly path?: string;
  readonly why: string;
}

/** Where a worktree's files, and its own folder in the repository, are. */
export interface FilesPlace {
  readonly folder: string;
  readonly gitDir: string;
}

interface GitLink {
  readonly path: Uint8Array;
  readonly commit: string;
}

const INDEX = "ourocodus-index";
/** What git says besides, of what is told otherwise. */
const KNOWN = /^(?:warning: adding embedded git repository|hint: |fatal: adding files failed)/;
const LINK_MODE = "160000";

/** Makes trees. One call at a time. */
export class TreeIndex {
  #git: Git;
  readonly #place: FilesPlace;
  #index: string;
  #isReady = false;
  #links: { readonly of: string; readonly links: readonly GitLink[] } | undefined;

  constructor(git: Git, place: FilesPlace) {
    this.#git = git;
    this.#place = place;
    this.#index = join(place.gitDir, INDEX);
  }

  /** Begins with the index that git has just made. */
  async begin(): Promise<void> {
    await Deno.copyFile(join(this.#place.gitDir, "index"), this.#index);
  }

  /** Another one of the same files; both may be used at once, by other processes too. */
  async apart(): Promise<TreeIndex & AsyncDisposable> {
    const other = new TreeIndex(this.#git, this.#place);
    other.#index = `${this.#index}.${crypto.randomUUID().slice(0, 8)}`;
    await Deno.copyFile(this.#index, other.#index).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    const remove = () => Deno.remove(other.#index).catch(() => {});
    return Object.assign(other, { [Symbol.asyncDispose]: remove });
  }

  /**
   * Makes a tree of all files that are not ignored.
   *
   * @param head The commit whose submodules are kept.
   * @param except Paths that are never in it.
   * @throws {GitError}
   */
  async write(head: string, except: readonly string[]): Promise<FileTree> {
    await this.#prepare(head);
    const paths = except.length === 0
      ? []
      : ["--", ".", ...except.map((path) => `:(exclude,top,literal)${path}`)];
    const sparse = await exists(join(this.#place.gitDir, "info", "sparse-checkout"));
    const args = ["add", "--all", "--ignore-errors", ...(sparse ? ["--sparse"] : []), ...paths];
    const [{ stderr }, links] = await Promise.all([
      this.#git.run(args, { place: this.#files, codes: [0, 1] }),
      this.#linksOf(head),
    ]);
    if (stderr === "" && links.length === 0) return { tree: await this.#tree(), left: [] };
    return await this.#withLinks(links, stderr);
  }

  /** Changes the files from the last tree to a commit's. @throws {GitError} */
  async change(to: string): Promise<void> {
    this.#git = await this.#git.withoutFilters(this.#place.gitDir);
    const from = await this.#tree();
    await this.#git.run(["read-tree", "-m", "-u", from, to], { place: this.#files });
    await this.#strip(await this.#list());
  }

  /** Has the worktree's index, which the agent uses, be like the last tree of a commit. */
  async install(commit: string): Promise<void> {
    const copy = join(this.#place.gitDir, `${INDEX}.new`);
    await Deno.copyFile(this.#index, copy);
    const links = await this.#linksOf(commit);
    if (links.length > 0) await this.#addLinks(copy, links);
    await Deno.rename(copy, join(this.#place.gitDir, "index"));
  }

  /** The tree of the agent's index, or undefined if it is not like one: in the middle of a merge. */
  async staged(): Promise<string | undefined> {
    const copy = join(this.#place.gitDir, `${INDEX}.staged`);
    try {
      await Deno.copyFile(join(this.#place.gitDir, "index"), copy);
      const place = { ...this.#files, index: copy };
      const written = await this.#git.run(["write-tree"], { place, codes: [0, 128] });
      return written.code === 0 ? new TextDecoder().decode(written.stdout).trim() : undefined;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    } finally {
      await Deno.remove(copy).catch(() => {});
    }
  }

  get #files(): GitPlace {
    const { gitDir, folder } = this.#place;
    return { gitDir, workTree: folder, index: this.#index };
  }

  async #prepare(head: string): Promise<void> {
    this.#git = await this.#git.withoutFilters(this.#place.gitDir);
    // Of a git that was killed: nobody else uses this index.
    await Deno.remove(`${this.#index}.lock`).catch(() => {});
    if (this.#isReady) return;
    if (!await exists(this.#index)) {
      await this.#git.run(["read-tree", "-m", head], { place: this.#files });
    }
    await this.#strip(await this.#list());
    this.#isReady = true;
  }

  async #tree(index = this.#index): Promise<string> {
    return await this.#git.text(["write-tree"], { place: { ...this.#files, index } });
  }

  /** The tree with submodules as they are now, and without repositories that nobody asked for. */
  async #withLinks(links: readonly GitLink[], stderr: string): Promise<FileTree> {
    const entries = await this.#list();
    const found = new Map(entries.links.map((link) => [pathText(link.path), link]));
    await this.#strip(entries);
    const kept: GitLink[] = [];
    for (const link of links) {
      const path = pathText(link.path);
      const now = found.get(path);
      found.delete(path);
      const isThere = now !== undefined ||
        await isFolder(join(this.#place.folder, path)) && !entries.hasFilesIn(link.path);
      if (isThere) kept.push(now ?? link);
    }
    const why = "is a git repository of its own";
    const left: LeftOut[] = [...found.keys()].map((path) => ({ path, why }));
    for (const line of stderr.split("\n")) {
      const [, path] = /^error: '(.*)\/' does not have a commit checked out$/.exec(line) ?? [];
      if (path !== undefined) left.push({ path, why });
      else if (line !== "" && !KNOWN.test(line)) left.push({ why: line });
    }
    if (kept.length === 0) return { tree: await this.#tree(), left };
    const copy = `${this.#index}.tree`;
    await Deno.copyFile(this.#index, copy);
    try {
      await this.#addLinks(copy, kept);
      return { tree: await this.#tree(copy), left };
    } finally {
      await Deno.remove(copy).catch(() => {});
    }
  }

  async #addLinks(index: string, links: readonly GitLink[]): Promise<void> {
    const encoder = new TextEncoder();
    const input = Buffer.concat(links.flatMap(({ path, commit }) => [
      encoder.encode(`${LINK_MODE} ${commit}\t`),
      path,
      Uint8Array.of(0),
    ]));
    const place = { ...this.#files, index };
    await this.#git.run(["update-index", "-z", "--index-info"], { place, input });
  }

  async #strip({ links }: Entries): Promise<void> {
    if (links.length === 0) return;
    const input = Buffer.concat(links.flatMap(({ path }) => [path, Uint8Array.of(0)]));
    const args = ["update-index", "--force-remove", "-z", "--stdin"];
    await this.#git.run(args, { place: this.#files, input });
  }

  async #list(): Promise<Entries> {
    const { stdout } = await this.#git.run(["ls-files", "-s", "-z"], { place: this.#files });
    return new Entries(stdout);
  }

  async #linksOf(commit: string): Promise<readonly GitLink[]> {
    if (this.#links?.of === commit) return this.#links.links;
    const place = { gitDir: this.#place.gitDir };
    const { stdout } = await this.#git.run(["ls-tree", "-r", "-z", "--full-tree", commit], {
      place,
    });
    const { links } = new Entries(stdout);
    this.#links = { of: commit, links };
    return links;
  }
}

/** Lines of `ls-files -s -z` (`mode hash stage\tpath`) or `ls-tree -r -z` (`mode type hash\tpath`). */
class Entries {
  readonly links: readonly GitLink[];
  readonly #paths: readonly Uint8Array[];

  constructor(output: Uint8Array) {
    const links: GitLink[] = [];
    this.#paths = splitNul(output).map((line) => {
      const tab = line.indexOf(9);
      const path = line.subarray(tab + 1);
      if (line[0] === 0x31 && line[1] === 0x36) {
        const [, commit = ""] = new TextDecoder().decode(line.subarray(0, tab))
          .match(/\b([0-9a-f]{40,64})\b/) ?? [];
        links.push({ path: path.slice(), commit });
      }
      return path;
    });
    this.links = links;
  }

  hasFilesIn(folder: Uint8Array): boolean {
    return this.#paths.some((path) =>
      path.length > folder.length && path[folder.length] === 0x2f &&
      folder.every((byte, index) => path[index] === byte)
    );
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(({ isDirectory }) => isDirectory, () => false);
}

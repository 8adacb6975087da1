/**
 * A repository for tests, with git as a user has it.
 *
 * @module
 */
import { join } from "node:path";
import { Repository } from "../repository.ts";
import type { Worktree } from "../worktree.ts";

export { exists } from "../files.ts";

/** What tests pass for a program's environment. */
export const ENV: Readonly<Record<string, string>> = {
  PATH: Deno.env.get("PATH") ?? "",
  HOME: "/nonexistent",
};

/** A repository in a temporary folder, and room for worktrees; dispose of it. */
export class TestRepository implements AsyncDisposable {
  readonly root: string;
  readonly trees: string;
  readonly folder: string;
  #count = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.root = join(folder, "shop");
    this.trees = join(folder, "trees");
  }

  /** Makes one with these files in its first commit. */
  static async create(
    files: Readonly<Record<string, string>> = { "a.txt": "one\n", "dir/b.txt": "two\n" },
  ): Promise<TestRepository> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "ourocodus-git-" }));
    const made = new TestRepository(folder);
    await Deno.mkdir(made.root);
    await Deno.mkdir(made.trees);
    await made.git(made.root, "init", "-q", "-b", "main");
    for (const [path, text] of Object.entries(files)) await write(join(made.root, path), text);
    await made.git(made.root, "add", "-A");
    await made.git(made.root, "commit", "-q", "-m", "first", "--allow-empty");
    return made;
  }

  /** The repository as the product sees it. */
  async open(): Promise<Repository> {
    return await Repository.open(this.root, { env: ENV });
  }

  /** Adds a worktree at HEAD, each with a folder and a sequence of its own. */
  async worktree(repository?: Repository, branch?: string): Promise<Worktree> {
    const sequence = ++this.#count;
    const opened = repository ?? await this.open();
    return await opened.addWorktree({
      folder: join(this.trees, `t${sequence}`),
      branch: branch ?? `ourocodus/s/r/${sequence}`,
      base: await opened.resolveBase(),
      sequence,
    });
  }

  /** Runs git as a user, or an agent, would. @throws {Error} If it fails. */
  async git(cwd: string, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.tryGit(cwd, ...args);
    if (code !== 0) throw new Error(`git ${args.join(" ")}: ${stderr}`);
    return stdout;
  }

  /** The same, with whatever comes out. */
  async tryGit(
    cwd: string,
    ...args: string[]
  ): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
    const user = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    const allow = ["-c", "protocol.file.allow=always"];
    const { code, stdout, stderr } = await new Deno.Command("git", {
      args: [...user, ...allow, ...args],
      cwd,
      env: { ...ENV, GIT_EDITOR: "true", LC_ALL: "C" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).replace(/\n$/, "");
    return { code, stdout: text(stdout), stderr: text(stderr) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Writes a file, and the folders on the way. */
export async function write(path: string, text: string | Uint8Array): Promise<void> {
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await (typeof text === "string" ? Deno.writeTextFile(path, text) : Deno.writeFile(path, text));
}

import { dirname, join } from "node:path";
import { runProcess } from "./processes.ts";

/** A git repository in a temporary folder, with one commit. Disposing of it removes it. */
export class GitRepository implements AsyncDisposable {
  /** Its main worktree's folder, without links in its path. */
  readonly folder: string;

  /**
   * Makes one.
   *
   * @param files Paths and texts of its first commit; a README by default.
   */
  static async create(
    files: Readonly<Record<string, string>> = { "README.md": "# Shop\n" },
  ): Promise<GitRepository> {
    const folder = await Deno.makeTempDir({ prefix: "ourocodus-repository-" });
    const repository = new GitRepository(await Deno.realPath(folder));
    await repository.git("init", "--quiet", "--initial-branch", "main");
    await repository.git("config", "user.name", "Test");
    await repository.git("config", "user.email", "test@example.com");
    await repository.commit(files);
    return repository;
  }

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Runs git in it. @returns What it printed. @throws {Error} If it fails; with its output. */
  async git(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await runProcess("git", args, { cwd: this.folder });
    if (code !== 0) throw new Error(`git ${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  }

  /** Writes files into the main worktree, and commits them. @returns The commit. */
  async commit(files: Readonly<Record<string, string>>): Promise<string> {
    for (const [path, text] of Object.entries(files)) await this.write(path, text);
    await this.git("add", "--all");
    await this.git("commit", "--quiet", "--message", "change");
    return await this.head();
  }

  /** Writes a file into the main worktree. */
  async write(path: string, text: string): Promise<void> {
    const file = join(this.folder, path);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
  }

  /** A file of the main worktree. */
  read(path: string): Promise<string> {
    return Deno.readTextFile(join(this.folder, path));
  }

  /** A file as it is in a commit or branch. */
  show(ref: string, path: string): Promise<string> {
    return this.git("show", `${ref}:${path}`);
  }

  /** The commit that is checked out. */
  async head(): Promise<string> {
    return (await this.git("rev-parse", "HEAD")).trim();
  }

  /** What differs from the commit that is checked out; empty if nothing does. */
  status(): Promise<string> {
    return this.git("status", "--porcelain");
  }

  /** The branches, in the order of their names. */
  async branches(): Promise<string[]> {
    const text = await this.git("for-each-ref", "--format", "%(refname:short)", "refs/heads");
    return text.trim().split("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

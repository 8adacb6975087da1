/**
 * Running git on files that a coding agent wrote, which are not to be trusted.
 *
 * - Which repository and which folder is meant is said by variables, from what was recorded when the
 *   worktree was made: a `.git` in the worktree, which the agent may have replaced, is not asked.
 * - No program of the repository is run: no hooks, no file system monitor, no filters (clean, smudge,
 *   process), no external diffs or text conversions, no signing.
 * - Nothing of the caller's `GIT_*` variables reaches git.
 * - Where two want the same lock, git waits instead of failing.
 *
 * @module
 */
import { GitError } from "./errors.ts";

/** Where git works. */
export interface GitPlace {
  /** The repository's folder, or a worktree's own folder in it. */
  readonly gitDir: string;
  /** The files. Absent for what does not look at files. */
  readonly workTree?: string;
  /** Which index; git's own by default. */
  readonly index?: string;
}

/** Options of {@linkcode Git.run}. */
export interface GitOptions {
  /** Absent: git finds the repository of `cwd`. */
  readonly place?: GitPlace;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  /** Exit codes that are no error, 0 by default. */
  readonly codes?: readonly number[];
  /** Further variables, like an author. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Ends git by SIGTERM; it takes its locks away then. */
  readonly signal?: AbortSignal;
}

/** What git wrote. */
export interface GitOutput {
  readonly code: number;
  readonly stdout: Uint8Array;
  readonly stderr: string;
}

/** The variables that reach git: for its own configuration, and to find its programs. */
export const GIT_VARIABLES: readonly string[] = [
  "PATH",
  "HOME",
  "XDG_CONFIG_HOME",
  "TMPDIR",
  "USER",
  "LOGNAME",
];

const SETTINGS: ReadonlyArray<readonly [string, string]> = [
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.untrackedCache", "false"],
  // A copy of an index must hold all of it.
  ["core.splitIndex", "false"],
  // Warnings about line ends would be taken for failures.
  ["core.safecrlf", "false"],
  ["core.quotePath", "true"],
  ["core.filesRefLockTimeout", "3000"],
  ["core.packedRefsTimeout", "3000"],
  ["commit.gpgSign", "false"],
  ["i18n.commitEncoding", "UTF-8"],
  ["submodule.recurse", "false"],
  // One for each core; worth it from a hundred files on.
  ["checkout.workers", "0"],
  ["branch.autoSetupMerge", "false"],
  ["advice.addEmbeddedRepo", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
];

const CHECKOUT_SETTINGS: typeof SETTINGS = [
  ["core.hooksPath", "/dev/null"],
  ["core.quotePath", "true"],
];

/** Runs git. */
export class Git {
  readonly #environment: Readonly<Record<string, string>>;
  #settings: ReadonlyArray<readonly [string, string]>;

  /**
   * @param environment The caller's; little of it is passed on.
   * @param filters Names of the filters that are configured, which are switched off.
   */
  constructor(environment: Readonly<Record<string, string>>, filters: readonly string[] = []) {
    this.#environment = environment;
    const off = filters.flatMap((name): Array<readonly [string, string]> => [
      [`filter.${name}.clean`, ""],
      [`filter.${name}.smudge`, ""],
      [`filter.${name}.process`, ""],
      [`filter.${name}.required`, "false"],
    ]);
    this.#settings = [...SETTINGS, ...off];
  }

  /**
   * git as its user has it, for the user's own checkout: with filters, as those say what is changed
   * there; without hooks.
   */
  static forCheckout(environment: Readonly<Record<string, string>>): Git {
    const git = new Git(environment);
    git.#settings = CHECKOUT_SETTINGS;
    return git;
  }

  /**
   * The same with all filters switched off that a repository has configured now. An agent may have
   * added one since the last time, so this is asked before files are looked at or written.
   */
  async withoutFilters(gitDir: string): Promise<Git> {
    const { stdout } = await this.run(
      ["config", "--null", "--name-only", "--get-regexp", "^filter\\..*"],
      { place: { gitDir }, codes: [0, 1] },
    );
    const names = new TextDecoder().decode(stdout).split("\0").flatMap((key) => {
      const [, name] = /^filter\.(.*)\.[^.]+$/s.exec(key) ?? [];
      return name === undefined ? [] : [name];
    });
    return new Git(this.#environment, [...new Set(names)]);
  }

  /**
   * Runs git to its end.
   *
   * @throws {GitError} If it is not there, or its exit code is none of `codes`.
   */
  async run(args: readonly string[], options: GitOptions = {}): Promise<GitOutput> {
    const { input, codes = [0] } = options;
    const child = this.spawn(args, options);
    const feeding = input === undefined ? undefined : feed(child.stdin, input);
    const { code, stdout, stderr } = await child.output();
    await feeding;
    options.signal?.throwIfAborted();
    const said = new TextDecoder().decode(stderr);
    if (!codes.includes(code)) throw failure(args, code, said);
    return { code, stdout, stderr: said };
  }

  /** Runs git. @returns What it wrote, without the line's end. */
  async text(args: readonly string[], options: GitOptions = {}): Promise<string> {
    const { stdout } = await this.run(args, options);
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(stdout).replace(/\n$/, "");
  }

  /** Starts git. @throws {GitError} If it is not there. */
  spawn(args: readonly string[], options: GitOptions): Deno.ChildProcess {
    const { place, cwd, input, signal } = options;
    try {
      return new Deno.Command("git", {
        args: [...args],
        cwd: cwd ?? place?.workTree ?? place?.gitDir,
        clearEnv: true,
        env: this.#variables(options),
        stdin: input === undefined ? "null" : "piped",
        stdout: "piped",
        stderr: "piped",
        signal,
      }).spawn();
    } catch (error) {
      const isMissing = error instanceof Deno.errors.NotFound ||
        error instanceof Deno.errors.NotCapable;
      if (!isMissing) throw error;
      const where = cwd ?? place?.workTree ?? place?.gitDir ?? "the current folder";
      throw new GitError(
        "git_failed",
        `Cannot run git in ${where}: the program "git" or the folder is not there, or this program ` +
          "may not run others; install git 2.31 or newer, e.g. apt-get install git",
        { cause: error },
      );
    }
  }

  #variables({ place, variables }: GitOptions): Record<string, string> {
    const passed = GIT_VARIABLES.flatMap((name) => {
      const value = this.#environment[name];
      return value === undefined ? [] : [[name, value]];
    });
    return {
      ...Object.fromEntries(passed),
      LC_ALL: "C",
      GIT_TERMINAL_PROMPT: "0",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_CONFIG_COUNT: String(this.#settings.length),
      ...Object.fromEntries(this.#settings.flatMap(([key, value], index) => [
        [`GIT_CONFIG_KEY_${index}`, key],
        [`GIT_CONFIG_VALUE_${index}`, value],
      ])),
      ...(place !== undefined && { GIT_DIR: place.gitDir }),
      ...(place?.workTree !== undefined && { GIT_WORK_TREE: place.workTree }),
      ...(place?.index !== undefined && { GIT_INDEX_FILE: place.index }),
      ...variables,
    };
  }
}

/** An error with the command and git's own words. */
export function failure(args: readonly string[], code: number, stderr: string): GitError {
  const said = stderr.trim().split("\n").slice(-8).join("; ");
  const command = args.slice(0, args[0] === "worktree" ? 2 : 1).join(" ");
  return new GitError("git_failed", `git ${command} failed (exit code ${code}): ${said}`);
}

async function feed(stdin: WritableStream<Uint8Array>, input: string | Uint8Array): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch {
    // It ended without reading all of it; its exit code says why.
  }
}

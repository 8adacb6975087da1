import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { OptionError, WorkError } from "../errors.ts";
import { Suspension } from "../suspension.ts";
import type { Handler } from "../work.ts";
import { checkCodingFiles, checkCodingOptions, isLevel, type NameOf } from "./check_options.ts";
import type { CodingOptions } from "./options.ts";
import { worktreesFolder } from "./worktrees_folder.ts";

/** What is known of a coding agent before it runs; a dry run prints it as JSON. */
export interface CodingFacts {
  /** Variables that it takes over from the environment of its program, by name. */
  readonly variables: readonly string[];
  /** The folder for worktrees and records, with a repository. */
  readonly worktrees?: string;
  /** Folders that it writes to, and files and folders that it reads: absolute paths. */
  readonly writable: readonly string[];
  readonly readable: readonly string[];
  /** The npm package with which an image is built, of a preset. */
  readonly npmPackage?: string;
}

/** A stand-in until the coding agent is built. */
export class CodingAgent implements AsyncDisposable {
  /** Suspended when access to the model fails. */
  readonly suspension: Suspension = new Suspension();
  readonly #options: CodingOptions;
  readonly #nameOf: NameOf | undefined;

  /** @throws {OptionError} If an option has a value that cannot be used. */
  constructor(options: CodingOptions, nameOf?: NameOf) {
    checkCodingOptions(options, nameOf);
    this.#options = options;
    this.#nameOf = nameOf;
  }

  /** Makes it ready for work. @throws {OptionError} If something is missing. */
  async start(): Promise<void> {
    const wrong = await this.check();
    if (wrong !== undefined) throw new OptionError(wrong);
  }

  /**
   * Looks what stands in the way of work, without asking the model.
   *
   * @param depth `files`: not whether the coding agent itself can be run.
   */
  check(_depth: "files" | "all" = "all"): Promise<string | undefined> {
    try {
      checkCodingFiles(this.#options, this.#nameOf);
      return Promise.resolve(undefined);
    } catch (error) {
      if (error instanceof OptionError) return Promise.resolve(error.message);
      return Promise.reject(error);
    }
  }

  /** What is known before it runs; after `check` has found nothing. */
  facts(): Promise<CodingFacts> {
    const { repo, cwd, worktrees, inherited, env = [], envFile, permissions } = this.#options;
    const variables = env.filter((variable) => typeof variable === "string");
    const rules = permissions !== undefined && !isLevel(permissions) ? permissions : undefined;
    const readable = [envFile, rules].flatMap((path) => path === undefined ? [] : [resolve(path)]);
    if (repo === undefined) {
      return Promise.resolve({ variables, readable, writable: [resolve(cwd ?? ".")] });
    }
    const root = realpathSync(repo);
    const home = inherited.OUROCODUS_HOME || undefined;
    const folder = resolve(worktrees ?? worktreesFolder(root, home));
    return Promise.resolve({
      ...{ variables, readable },
      writable: [root, folder],
      worktrees: folder,
    });
  }

  readonly handler: Handler = () => {
    throw new WorkError("not_built", "The coding agent is not built yet");
  };

  /** Ends what it has started, at once. */
  kill(): void {}

  async [Symbol.asyncDispose](): Promise<void> {}
}

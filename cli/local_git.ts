/**
 * Git on this machine: what it is told, and the records of agents' worktrees.
 *
 * @module
 */
import {
  GIT_VARIABLES,
  hasWorktree,
  listRecords,
  type RecordProblem,
  Repository,
  type WorkRecord,
  type WorktreeRecord,
} from "@ourocodus/git";
import { findHome } from "@ourocodus/system";
import { join, resolve } from "node:path";
import type { Console } from "./console.ts";

/** The flags that say which worktrees a command is about. */
export const REPO_FLAG = ["--repo <path>", "only worktrees of this repository"] as const;
export const WORKTREES_FLAG = [
  "--worktrees <path>",
  "the agent's --worktrees folder (default: all folders in the home)",
] as const;

/** A record, and the folder of worktrees that it is in. */
export interface FoundRecord {
  readonly worktrees: string;
  readonly record: WorktreeRecord;
}

/**
 * Reads all records of work in worktrees: of one folder of worktrees, or of all in the home.
 *
 * @param worktrees What `--worktrees` says.
 */
export async function findRecords(
  console: Console,
  worktrees: string | undefined,
): Promise<{ readonly found: FoundRecord[]; readonly problems: RecordProblem[] }> {
  const folders = await worktreesFolders(console, worktrees);
  const found: FoundRecord[] = [];
  const problems: RecordProblem[] = [];
  for (const folder of folders) {
    const listed = await listRecords(folder);
    const records = listed.records.filter(hasWorktree);
    found.push(...records.map((record) => ({ worktrees: folder, record })));
    problems.push(...listed.problems);
  }
  return { found, problems };
}

/**
 * Whether work has a worktree. Done work has none once its folder is gone: its agent removes the
 * folder, and leaves the record.
 */
export async function isWorktreeLeft(record: WorkRecord): Promise<boolean> {
  return hasWorktree(record) && (record.state !== "done" || await isThere(record.folder));
}

/** Whether there is a file or folder at a path. */
export async function isThere(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Folders of worktrees: the one that was named, else all in the home. */
export async function worktreesFolders(
  console: Console,
  worktrees: string | undefined,
): Promise<string[]> {
  if (worktrees !== undefined) return [resolve(worktrees)];
  return await foldersIn(join(findHome(console.env).folder, "worktrees"));
}

/** Repositories, opened once each. */
export class Repositories {
  readonly #opened = new Map<string, Repository>();
  readonly #env: Record<string, string>;

  constructor(console: Console) {
    this.#env = gitEnvironment(console);
  }

  get all(): Repository[] {
    return [...new Map([...this.#opened.values()].map((each) => [each.commonDir, each])).values()];
  }

  /** @throws {GitError} If there is none. */
  async open(path: string): Promise<Repository> {
    const opened = this.#opened.get(path) ?? await Repository.open(path, { env: this.#env });
    this.#opened.set(path, opened);
    return opened;
  }
}

async function foldersIn(folder: string): Promise<string[]> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(folder));
    return entries.filter(({ isDirectory }) => isDirectory).map(({ name }) => join(folder, name))
      .sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** What git gets of the environment. */
export function gitEnvironment({ env }: Console): Record<string, string> {
  return Object.fromEntries(GIT_VARIABLES.flatMap((name) => {
    const value = read(env, name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** In the image the command line may not read all variables, nor run git, which says so. */
function read(env: Console["env"], name: string): string | undefined {
  try {
    return env.get(name);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return undefined;
    throw error;
  }
}

/**
 * Commits that no ref would reach any more, once a worktree or its branch's place is gone: an
 * agent's own commits that it went away from. They get refs of their own, and so stay.
 *
 * @module
 */
import { join } from "node:path";
import { exists, removeAll } from "./files.ts";
import type { Git } from "./git_process.ts";

/** What {@linkcode keepUnreachable} is to look at. */
export interface Candidates {
  readonly commonDir: string;
  readonly sequence: number;
  /** Objects that may be commits that nothing reaches. */
  readonly objects: readonly string[];
  /** Commits that a ref will reach. */
  readonly reached: readonly string[];
  /** A branch that is about to be moved, and so does not count as a ref. */
  readonly moving?: string;
}

/** Gives refs `refs/ourocodus/{sequence}/kept/{commit}` to commits that no ref reaches. */
export async function keepUnreachable(git: Git, candidates: Candidates): Promise<void> {
  const { commonDir, sequence, reached, moving } = candidates;
  const objects = [...new Set(candidates.objects)].filter((object) =>
    /^[0-9a-f]{40,64}$/.test(object) && !/^0+$/.test(object) && !reached.includes(object)
  );
  if (objects.length === 0) return;
  const place = { gitDir: commonDir };
  const types = await git.text(["cat-file", "--batch-check=%(objectname) %(objecttype)"], {
    place,
    input: `${objects.join("\n")}\n`,
  });
  const commits = [...types.matchAll(/^([0-9a-f]+) commit$/gm)].map(([, commit]) => commit);
  if (commits.length === 0) return;
  const except = moving === undefined ? [] : [`--exclude=refs/heads/${moving}`];
  const args = ["rev-list", "--parents", "--stdin", "--not", ...reached, ...except, "--glob=*"];
  const listed = await git.text(args, { place, input: `${commits.join("\n")}\n` });
  const lines = listed.split("\n").filter((line) => line !== "").map((line) => line.split(" "));
  const parents = new Set(lines.flatMap(([, ...ofIt]) => ofIt));
  const updates = lines.flatMap(([commit = ""]) =>
    parents.has(commit) ? [] : [`update refs/ourocodus/${sequence}/kept/${commit} ${commit}\n`]
  );
  if (updates.length === 0) return;
  await git.run(["update-ref", "--stdin"], { place, input: updates.join("") });
}

/** Files of a worktree's own folder in the repository that name commits. */
const NAMING = [
  "logs/HEAD",
  "ORIG_HEAD",
  "MERGE_HEAD",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "REBASE_HEAD",
  "AUTO_MERGE",
  "BISECT_START",
  "MERGE_AUTOSTASH",
  "rebase-merge/autostash",
  "rebase-merge/orig-head",
  "rebase-merge/stopped-sha",
  "rebase-apply/autostash",
  "rebase-apply/orig-head",
];

/** All objects that a worktree's reflog of HEAD, its operations and its own refs name. */
export async function namedObjects(git: Git, gitDir: string): Promise<string[]> {
  const texts = await Promise.all(NAMING.map(async (name) => {
    try {
      return await Deno.readTextFile(join(gitDir, name));
    } catch {
      return "";
    }
  }));
  const own = await exists(join(gitDir, "refs"))
    ? await git.text(
      ["for-each-ref", "--format=%(objectname)", "refs/worktree", "refs/bisect", "refs/rewritten"],
      { place: { gitDir } },
    )
    : "";
  return [...texts, own].flatMap((text) => text.match(/\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b/g) ?? []);
}

/** What a git operation that is not at its end leaves in a worktree's own folder, and its name. */
const OPERATIONS: ReadonlyArray<readonly [string, string]> = [
  ["rebase-merge", "a rebase"],
  ["rebase-apply", "a rebase, or git am"],
  ["MERGE_HEAD", "a merge"],
  ["CHERRY_PICK_HEAD", "a cherry-pick"],
  ["REVERT_HEAD", "a revert"],
  ["sequencer", "a cherry-pick or revert"],
  ["BISECT_LOG", "a bisect"],
];

/** The operation that a worktree is in the middle of, if it is. */
export async function unfinishedOperation(gitDir: string): Promise<string | undefined> {
  for (const [name, operation] of OPERATIONS) {
    if (await exists(join(gitDir, name))) return operation;
  }
  return undefined;
}

/** Forgets the operation that a worktree is in the middle of; what it names is kept before. */
export async function forgetOperation(gitDir: string): Promise<void> {
  const names = [...OPERATIONS.map(([name]) => name), "REBASE_HEAD", "MERGE_MSG", "MERGE_MODE"];
  names.push("AUTO_MERGE", "MERGE_AUTOSTASH", "BISECT_START", "BISECT_NAMES", "BISECT_TERMS");
  for (const name of names) await removeAll(join(gitDir, name));
}

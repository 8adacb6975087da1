import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import {
  GitError,
  listRecords,
  oldFiles,
  removeRecord,
  type Repository,
  type Snapshot,
  type WorkRecord,
  type WorktreeRecord,
} from "@ourocodus/git";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { durationFlag } from "./flag_values.ts";
import {
  findRecords,
  type FoundRecord,
  isThere,
  isWorktreeLeft,
  REPO_FLAG,
  Repositories,
  WORKTREES_FLAG,
  worktreesFolders,
} from "./local_git.ts";
import { helpEnd } from "./shared_flags.ts";
import { harmless, span } from "./terminal_text.ts";

/** `worktree prune`: removes worktrees that are not needed any more. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await worktreePrune(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Removes the worktrees of work that is done, if commits have everything in them, and old " +
        "snapshots, patches and transcripts of work without a worktree. Branches stay.",
    )
    .option(...REPO_FLAG)
    .option(...WORKTREES_FLAG)
    .option("--failed", "also those of failed, cancelled and abandoned work")
    .option("--older <duration>", "only those unchanged for this long, like 7d")
    .option("--refs <duration>", "remove snapshots, patches, transcripts older than this", "14d")
    .option("--dry-run", "only tell what would be removed")
    .addHelpText(
      "after",
      helpEnd(["worktree prune --dry-run", "worktree prune --failed --older 7d"], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `A worktree stays if it has changes that no commit has, or if its work is running or
interrupted; the command says why. Work that is unfinished, and unchanged for 7 days, counts as
abandoned. Patches and transcripts are removed only without --repo. Files that git ignores are
removed with their worktree.`;

/** The agent itself removes the worktree of work that is done, and may be about to. */
const SETTLED_MS = 60_000;
/** Unfinished work that is unchanged for this long counts as abandoned: 7 days. */
const ABANDONED_MS = 604_800_000;

/** Whether a worktree is removed, or why it is kept. */
type Verdict = { readonly kind: "remove" } | {
  readonly kind: "keep";
  readonly why: string;
};

/**
 * Runs the command.
 *
 * @throws {UsageError} If a flag has a value that cannot be used.
 * @throws {GitError} If `--repo` is no repository.
 */
async function worktreePrune(
  flags: Flags,
  console: Console,
): Promise<ExitCode> {
  const olderMs = flags.older === undefined ? 0 : durationFlag("--older", flags.older);
  const refsMs = durationFlag("--refs", flags.refs);
  const { out, err } = console;
  const repositories = new Repositories(console);
  const wanted = flags.repo === undefined ? undefined : await repositories.open(flags.repo);
  const { found, problems } = await findRecords(console, flags.worktrees);
  for (const { path, why } of problems) {
    await err.write(`warning: ${harmless(path)} is left alone: ${harmless(why)}\n`);
  }
  const mine = found.filter(({ record }) => wanted === undefined || record.repo === wanted.root);
  const kept: WorktreeRecord[] = [];
  let left = 0;
  for (const { worktrees, record } of mine) {
    if (!await isWorktreeLeft(record)) continue;
    left++;
    const verdict = verdictOf(record, { isFailedToo: flags.failed === true, olderMs });
    const done = await carryOut(verdict, { worktrees, record, repositories, isDry: flags.dryRun });
    const name = `${harmless(record.folder)} (${record.session}/${record.role}/${record.sequence})`;
    const would = flags.dryRun ? "would be " : "";
    if (done.kind === "keep") {
      kept.push(record);
      await out.write(`kept     ${name}: ${harmless(done.why)}\n`);
    } else {
      await out.write(`${would}removed  ${name}\n`);
    }
  }
  const roots = wanted === undefined ? [...new Set(mine.map(({ record }) => record.repo))] : [];
  for (const root of roots) await repositories.open(root).catch(ignoreGitError);
  for (const repository of repositories.all) {
    const old = await oldSnapshots(repository, { kept, refsMs });
    if (old.length === 0) continue;
    if (!flags.dryRun) await repository.dropSnapshots(old);
    const would = flags.dryRun ? "would be " : "";
    await out.write(
      `${would}removed  ${old.length} ${old.length === 1 ? "snapshot" : "snapshots"} of ` +
        `${harmless(repository.root)} older than ${flags.refs}\n`,
    );
  }
  if (wanted === undefined) await pruneFiles(console, { ...flags, refsMs });
  if (left === 0) await out.write("No worktrees\n");
  return EXIT.ok;
}

/** Removes old files, and records of work without a worktree. */
async function pruneFiles(
  console: Console,
  { worktrees: named, refs, refsMs, dryRun }: Flags & { readonly refsMs: number },
): Promise<void> {
  const would = dryRun ? "would be " : "";
  for (const worktrees of await worktreesFolders(console, named)) {
    const { records } = await listRecords(worktrees);
    const old: WorkRecord[] = [];
    for (const record of records) {
      const isOld = Date.now() - Date.parse(record.updated_at) > refsMs;
      if (isOld && !await isWorktreeLeft(record)) old.push(record);
    }
    const except = records.filter((record) => !old.includes(record));
    const files = await oldFiles(worktrees, { olderMs: Math.max(refsMs, SETTLED_MS), except });
    if (old.length + files.length === 0) continue;
    if (!dryRun) {
      for (const record of old) await removeRecord(worktrees, record);
      for (const path of files) await Deno.remove(path);
    }
    const count = old.length + files.length;
    await console.out.write(
      `${would}removed  ${count} ${count === 1 ? "file" : "files"} in ${harmless(worktrees)} ` +
        `older than ${refs}\n`,
    );
  }
}

/** What the record says; the folder itself is looked at later. */
function verdictOf(
  { state, updated_at }: WorktreeRecord,
  { isFailedToo, olderMs }: { readonly isFailedToo: boolean; readonly olderMs: number },
): Verdict {
  const ageMs = Date.now() - Date.parse(updated_at);
  switch (state) {
    case "preparing":
    case "running":
    case "interrupted":
      if (ageMs < ABANDONED_MS) return { kind: "keep", why: WHY_UNFINISHED[state] };
      if (!isFailedToo) {
        const why = `its work is unfinished and unchanged for ${span(ageMs)}; --failed removes it`;
        return { kind: "keep", why };
      }
      break;
    case "failed":
    case "cancelled":
      if (!isFailedToo) {
        return { kind: "keep", why: `its work ${stateText(state)}; --failed removes it` };
      }
      break;
    case "done":
      break;
  }
  if (ageMs < SETTLED_MS) return { kind: "keep", why: "its work has only just ended" };
  if (ageMs < olderMs) return { kind: "keep", why: `its work ended ${span(ageMs)} ago` };
  return { kind: "remove" };
}

const WHY_UNFINISHED = {
  preparing: "its work is running",
  running: "its work is running",
  interrupted: "its work was interrupted, and will go on in it",
} as const;

function stateText(state: "failed" | "cancelled"): string {
  return state === "failed" ? "has failed" : "was cancelled";
}

async function carryOut(
  verdict: Verdict,
  { worktrees, record, repositories, isDry }: FoundRecord & {
    readonly repositories: Repositories;
    readonly isDry: boolean | undefined;
  },
): Promise<Verdict> {
  if (verdict.kind === "keep") return verdict;
  if (!await isThere(record.folder)) {
    if (!isDry) await removeRecord(worktrees, record);
    return verdict;
  }
  try {
    const repository = await repositories.open(record.repo);
    const worktree = await repository.openWorktree(record);
    if (isDry) {
      const why = await worktree.inspect();
      return why === undefined ? verdict : { kind: "keep", why };
    }
    const removal = await worktree.remove();
    if (removal.kind === "kept") return { kind: "keep", why: removal.why };
    await removeRecord(worktrees, record);
    return verdict;
  } catch (error) {
    if (error instanceof GitError) return { kind: "keep", why: error.message };
    throw error;
  }
}

/** Snapshots of work that has no worktree any more. */
async function oldSnapshots(
  repository: Repository,
  { kept, refsMs }: { readonly kept: readonly WorktreeRecord[]; readonly refsMs: number },
): Promise<Snapshot[]> {
  const branches = new Set(kept.map(({ branch }) => branch));
  const before = Date.now() - refsMs;
  const snapshots = await repository.allSnapshots();
  return snapshots.filter(({ branch, madeAt }) =>
    madeAt.getTime() < before && !branches.has(branch)
  );
}

function ignoreGitError(error: unknown): void {
  if (!(error instanceof GitError)) throw error;
}

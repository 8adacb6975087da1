/**
 * The patch of a work item: from its result, else from the repository that has its commits, else
 * from the file that the result names; while the work runs from its newest snapshot.
 *
 * A result is an agent's word. A file that it names is read only where patches are kept.
 *
 * @module
 */
import { join, sep } from "node:path";
import { GitError, Repository } from "@ourocodus/git";
import { isUnfinished, type WorkTrace } from "@ourocodus/ops";
import { isObject } from "@ourocodus/protocol";
import { findHome } from "@ourocodus/system";
import type { Console } from "./console.ts";
import { findRecords, gitEnvironment } from "./local_git.ts";
import { harmless } from "./terminal_text.ts";

/** So much may the clocks of agents and of NATS differ. */
const MAX_CLOCK_SKEW_MS = 60_000;

/** A patch, and what is known of where it is from. */
export interface WorkPatch {
  readonly patch: string;
  readonly from: "result" | "repository" | "file" | "snapshot";
  readonly base?: string;
  readonly commit?: string;
  readonly branch?: string;
  /** Of a snapshot: which attempt's, and when it was made. */
  readonly attempt?: number;
  readonly madeAt?: Date;
}

/** A patch, or why there is none. */
export type FoundPatch =
  | { readonly kind: "found"; readonly found: WorkPatch }
  | { readonly kind: "none"; readonly why: string };

/** What a result, or an error, of a coding agent says of its commit. */
interface Payload {
  readonly patch?: string;
  readonly base?: string;
  readonly commit?: string;
  readonly branch?: string;
  readonly patch_file?: string;
}

/**
 * Finds the patch of a work item.
 *
 * @param repo What `--repo` says: where else commits may be.
 * @throws {GitError} If `--repo` is no repository.
 */
export async function findPatch(
  trace: WorkTrace,
  { console, repo }: { readonly console: Console; readonly repo: string | undefined },
): Promise<FoundPatch> {
  const payload = payloadOf(trace);
  const { patch, patch_file, ...place } = payload;
  const { base, commit } = place;
  if (patch !== undefined && patch !== "") {
    return { kind: "found", found: { patch, from: "result", ...place } };
  }
  if (commit !== undefined && commit === base) {
    return { kind: "none", why: "nothing was changed" };
  }
  const repositories = await openRepositories(trace, { console, repo });
  if (base !== undefined && commit !== undefined) {
    for (const repository of repositories) {
      if (!await repository.has(base, commit)) continue;
      const text = await repository.patch(base, commit);
      return { kind: "found", found: { patch: text, from: "repository", ...place } };
    }
  }
  if (patch_file !== undefined) {
    const text = await readPatchFile(patch_file, console);
    if (text !== undefined) {
      return { kind: "found", found: { patch: text, from: "file", ...place } };
    }
  }
  return await newestSnapshot(trace, repositories) ??
    { kind: "none", why: whyNone(trace, payload) };
}

function payloadOf({ result }: WorkTrace): Payload {
  const payload = isObject(result?.payload) ? result.payload : {};
  const text = (name: string, isRight: (value: string) => boolean) => {
    const value = payload[name];
    return typeof value === "string" && isRight(value) ? { [name]: value } : {};
  };
  const isCommit = (value: string) => /^[0-9a-f]{40,64}$/.test(value);
  return {
    ...text("patch", () => true),
    ...text("base", isCommit),
    ...text("commit", isCommit),
    ...text("branch", (value) => /^ourocodus\/[A-Za-z0-9_/-]+$/.test(value)),
    ...text("patch_file", (value) => value.startsWith("/")),
  };
}

/** The repository that was named, else that of the current folder and those of records. */
async function openRepositories(
  { work_sequence, session_id, role }: WorkTrace,
  { console, repo }: { readonly console: Console; readonly repo: string | undefined },
): Promise<Repository[]> {
  const env = gitEnvironment(console);
  if (repo !== undefined) return [await Repository.open(repo, { env })];
  const { found } = await findRecords(console, undefined);
  const recorded = found.map(({ record }) => record).filter((record) =>
    record.sequence === work_sequence && record.session === session_id && record.role === role
  );
  const folders = [Deno.cwd(), ...recorded.map((record) => record.repo)];
  const opened = await Promise.all([...new Set(folders)].map(async (folder) => {
    try {
      return await Repository.open(folder, { env });
    } catch (error) {
      if (error instanceof GitError) return undefined;
      throw error;
    }
  }));
  return opened.filter((repository) => repository !== undefined);
}

async function newestSnapshot(
  { work_sequence, session_id, role, stored_at }: WorkTrace,
  repositories: readonly Repository[],
): Promise<FoundPatch | undefined> {
  // A sequence may have been used before, in a queue that was made anew, for other work.
  const since = stored_at === null ? 0 : Date.parse(stored_at) - MAX_CLOCK_SKEW_MS;
  const branch = new RegExp(`^ourocodus/${session_id}/${role}/${work_sequence}(?:-\\d+)?$`);
  for (const repository of repositories) {
    const snapshots = await repository.snapshots(work_sequence);
    const newest = snapshots.findLast((snapshot) =>
      branch.test(snapshot.branch) && snapshot.madeAt.getTime() >= since
    );
    if (newest === undefined) continue;
    const { base, commit, attempt, madeAt } = newest;
    const patch = await repository.patch(base, commit);
    const found = { patch, from: "snapshot" as const, base, commit, attempt, madeAt };
    return { kind: "found", found: { ...found, branch: newest.branch } };
  }
  return undefined;
}

/** @returns Undefined if it is not there, or not where patches are kept. */
async function readPatchFile(path: string, console: Console): Promise<string | undefined> {
  const worktrees = join(findHome(console.env).folder, "worktrees");
  try {
    const [real, allowed] = await Promise.all([Deno.realPath(path), Deno.realPath(worktrees)]);
    const isKept = real.startsWith(`${allowed}${sep}`) && /\/patches\/[^/]+\.patch$/.test(real);
    return isKept ? await Deno.readTextFile(real) : undefined;
  } catch {
    return undefined;
  }
}

function whyNone({ state, result }: WorkTrace, { commit, branch, patch_file }: Payload): string {
  if (patch_file !== undefined || commit !== undefined) {
    const where = [
      branch && `branch ${branch}`,
      commit && `commit ${commit.slice(0, 12)}`,
      patch_file && `the file ${harmless(patch_file)}`,
    ].filter(Boolean).join(", ");
    return `its patch is not in the result, but in ${where}, which is not on this machine; ` +
      "--repo DIR names a repository that has the commit";
  }
  if (result !== null) return `its ${state === "done" ? "result" : "error"} has no patch`;
  if (!isUnfinished(state)) return `it is ${state}, and has neither a result nor a snapshot here`;
  return "it has no result yet, and no snapshot was found; --repo DIR names the repository in " +
    "which its agent works";
}

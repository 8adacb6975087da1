/**
 * The files of one attempt: snapshots while it runs, the commit at its end, and the paths of what is
 * kept of it.
 *
 * @module
 */
import { type Changes, GitError, keptPath } from "@ourocodus/git";
import { messageOf } from "@ourocodus/protocol";
import { dirname } from "node:path";
import { isA } from "../errors.ts";
import type { AttemptOptions } from "./attempt_options.ts";

/** What was changed, and the commit that it is in. */
export type CommittedChanges = Changes & { readonly commit: string };

/** What {@linkcode AttemptFiles} needs. */
export interface AttemptFilesOptions
  extends Pick<AttemptOptions, "equipment" | "assignment" | "work" | "context" | "place"> {
  /** Tells something that a person should know. */
  readonly notice: (text: string) => void;
}

/** Keeps what an attempt has changed. Without a worktree there is nothing to keep. */
export class AttemptFiles {
  readonly #options: AttemptFilesOptions;
  #snapshots = 0;

  constructor(options: AttemptFilesOptions) {
    this.#options = options;
  }

  /** How many snapshots were made. */
  get snapshots(): number {
    return this.#snapshots;
  }

  /** Where the attempt's patch is, or its transcript. */
  pathOf(kind: "patches" | "transcripts"): string {
    const { equipment: { worktrees }, place: { record } } = this.#options;
    return keptPath(worktrees, kind, record);
  }

  /** Puts the files back to the base; a snapshot keeps them as they were. */
  async resetToBase(): Promise<void> {
    await this.#options.place.worktree?.resetToBase(this.#nextName());
  }

  /** Keeps what is there now, so that one can look at it while the agent works. Never rejects. */
  async snapshot(): Promise<void> {
    try {
      await this.#options.place.worktree?.snapshot(this.#nextName());
    } catch (error) {
      this.#options.notice(`No snapshot: ${messageOf(error)}`);
    }
  }

  /**
   * Keeps what is there for the next attempt; nothing if the worktree is gone.
   *
   * @throws {ReplacedError} If a newer attempt owns the files.
   */
  async keep(): Promise<void> {
    const { place } = this.#options;
    await place.checkOwned();
    await place.worktree?.snapshot(this.#nextName()).catch(unlessMissing);
  }

  /**
   * Commits what is there to the branch.
   *
   * @throws {ReplacedError} If a newer attempt owns the files.
   * @throws {GitError} `worktree_missing` if the worktree is gone, see {@linkcode unlessMissing}.
   */
  async commit(): Promise<CommittedChanges | undefined> {
    const { place, work, context, equipment: { preset }, assignment, notice } = this.#options;
    const { worktree } = place;
    if (worktree === undefined) return undefined;
    await place.checkOwned();
    const commit = await worktree.commit({
      message: assignment.title,
      author: { name: preset.title, email: `${preset.name}@ourocodus.invalid` },
      trailers: {
        "Ourocodus-Session": context.session,
        "Ourocodus-Role": context.role,
        "Ourocodus-Work": work.id,
        "Ourocodus-Sequence": String(work.sequence),
        "Ourocodus-Attempt": String(work.attempt),
        "Ourocodus-Agent": context.agentId,
      },
    });
    for (const { path = "", why } of worktree.left.slice(0, 5)) {
      notice(`Not committed: ${path} ${why}`);
    }
    const patchFile = this.pathOf("patches");
    await Deno.mkdir(dirname(patchFile), { recursive: true, mode: 0o700 });
    const maxPatchBytes = context.maxPayloadBytes;
    return { ...await worktree.changes(commit, { maxPatchBytes, patchFile }), commit };
  }

  #nextName() {
    const { work: { sequence, attempt } } = this.#options;
    return { sequence, attempt, n: ++this.#snapshots };
  }
}

/** Whether the agent, or somebody else, has taken the worktree away: there is nothing to keep. */
export function isMissing(thrown: unknown): thrown is GitError {
  return isA(thrown, GitError) && thrown.code === "worktree_missing";
}

/** For `catch`: a worktree that is gone has no commit. */
export function unlessMissing(thrown: unknown): undefined {
  if (!isMissing(thrown)) throw thrown;
}

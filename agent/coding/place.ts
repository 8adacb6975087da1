/**
 * Where a work item is done, and what the next attempt at it needs to know, on disk.
 *
 * Invariants:
 * 1. The record is on disk before anything is made that could not be found again without it.
 * 2. The newest attempt owns the record: an older one that still runs gets a `ReplacedError` when it
 *    wants to write.
 * 3. A worktree that the record names is used, or the work fails: nothing is ever done in the main
 *    checkout in its place.
 *
 * @module
 */
import {
  keptPath,
  readRecord,
  recordPath,
  removeRecord,
  type Repository,
  type WorkRecord,
  type Worktree,
  writeRecord,
} from "@ourocodus/git";
import { hostname } from "node:os";
import { dirname } from "node:path";
import type { Work, WorkContext } from "../work.ts";
import type { WorkUsage } from "./turn/mod.ts";

/** A newer attempt at the same work item has begun on this machine. */
export class ReplacedError extends Error {
  override readonly name = "ReplacedError";
}

/** What an attempt has answered, as long as nobody has confirmed that it is stored. */
export type KeptAnswer =
  | { readonly kind: "result"; readonly payload: unknown }
  | {
    readonly kind: "error";
    readonly code: string;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
  };

/** What a work item has used. */
export interface Spent {
  readonly ms: number;
  /** Its tool calls. */
  readonly turns: number;
  readonly usage: WorkUsage;
}

/** What a place is made of. */
export interface PlaceOptions {
  readonly work: Work;
  readonly context: WorkContext;
  /** The folder of worktrees and records. */
  readonly worktrees: string;
  readonly preset: string;
  /** Absent for an agent that works in a folder as it is. */
  readonly repository: Repository | undefined;
}

/** A work item's folder and its record on disk. */
export class Place {
  readonly folder: string;
  /** Absent for an agent that works in a folder as it is. */
  readonly worktree: Worktree | undefined;
  /** Whether an earlier attempt has begun it. */
  readonly isTakenOver: boolean;
  readonly #worktrees: string;
  readonly #spent: Spent;
  #record: WorkRecord;

  private constructor(
    worktrees: string,
    record: WorkRecord,
    { worktree, isTakenOver }: { readonly worktree?: Worktree; readonly isTakenOver: boolean },
  ) {
    this.isTakenOver = isTakenOver;
    const { spent_ms: ms = 0, spent_turns: turns = 0, spent_usage: usage = {} } = record;
    this.#spent = { ms, turns, usage };
    this.folder = record.folder;
    this.worktree = worktree;
    this.#worktrees = worktrees;
    this.#record = record;
  }

  /** What is known of the work item from earlier attempts on this machine. */
  static async recordOf(options: PlaceOptions): Promise<WorkRecord | undefined> {
    const record = await readRecord(recordPath(options.worktrees, identity(options)));
    return record?.host === hostname() ? record : undefined;
  }

  /** Makes this attempt the owner of the record, as far as something can be written down. */
  static async claim(
    { work: { attempt }, context: { agentId }, worktrees }: PlaceOptions,
    record: WorkRecord,
  ): Promise<void> {
    await writeRecord(worktrees, { ...record, attempt, agent: agentId }).catch(() => {});
  }

  /** What an earlier attempt on this machine has answered, if nobody knows whether it is stored. */
  static async answerOf(
    { worktrees }: PlaceOptions,
    record: WorkRecord,
  ): Promise<KeptAnswer | undefined> {
    if (record.state !== "done" && record.state !== "failed") return undefined;
    try {
      return JSON.parse(await Deno.readTextFile(keptPath(worktrees, "answers", record)));
    } catch {
      return undefined; // Then the work is gone on with.
    }
  }

  /**
   * Makes a place in an empty folder: a new worktree, or the folder as it is.
   *
   * @param marks What finds everything that is started for it.
   * @throws {GitError} If no worktree can be made.
   */
  static async begin(
    options: PlaceOptions,
    { folder, base, branch, marks, signal }: {
      readonly folder: string;
      /** The commit that the worktree begins at, and its branch; both or none. */
      readonly base?: string;
      readonly branch?: string;
      readonly marks: readonly string[];
      readonly signal: AbortSignal;
    },
  ): Promise<Place> {
    const { work, context, worktrees, preset, repository } = options;
    const now = new Date().toISOString();
    const record: WorkRecord = {
      version: 1,
      ...identity(options),
      sequence: work.sequence,
      id: work.id,
      agent: context.agentId,
      preset,
      host: hostname(),
      folder,
      ...(repository && { repo: repository.root }),
      ...(branch && { branch }),
      ...(base && { base }),
      marks: [...marks],
      attempt: work.attempt,
      snapshots: 0,
      state: "preparing",
      created_at: now,
      updated_at: now,
    };
    await writeRecord(worktrees, record);
    if (repository === undefined || base === undefined || branch === undefined) {
      return new Place(worktrees, record, { isTakenOver: false });
    }
    const worktree = await repository.addWorktree({
      folder,
      base,
      branch,
      sequence: work.sequence,
      signal,
    }).catch(async (error) => {
      // Nothing was made that has to be found again.
      if (!await hasEntries(folder)) await removeRecord(worktrees, record);
      throw error;
    });
    const place = new Place(worktrees, record, { worktree, isTakenOver: false });
    if (worktree.branch !== branch) await place.save({ branch: worktree.branch });
    return place;
  }

  /**
   * The place of an earlier attempt, which this one takes over.
   *
   * @throws {GitError} `worktree_missing` if its worktree is not there any more.
   */
  static async resume(
    options: PlaceOptions,
    record: WorkRecord,
    marks: readonly string[],
  ): Promise<Place> {
    const { work, context, worktrees, preset, repository } = options;
    const { folder, branch, base } = record;
    const worktree = repository === undefined || branch === undefined || base === undefined
      ? undefined
      : await repository.openWorktree({ folder, branch, base, sequence: work.sequence });
    const place = new Place(worktrees, record, { worktree, isTakenOver: true });
    const isOther = record.preset !== preset;
    await place.#write({
      ...record,
      preset,
      // Another coding agent's conversation is not this one's.
      ...(isOther && { acp_session: undefined, mode: undefined }),
      attempt: work.attempt,
      snapshots: 0,
      agent: context.agentId,
      marks: [...marks],
    });
    return place;
  }

  /** The worktree of an earlier attempt is gone, and so the work has failed. */
  static async lost({ work, context, worktrees }: PlaceOptions, record: WorkRecord): Promise<void> {
    const place = new Place(worktrees, record, { isTakenOver: true });
    await place.#write({
      ...record,
      attempt: work.attempt,
      agent: context.agentId,
      state: "failed",
    });
  }

  get record(): WorkRecord {
    return this.#record;
  }

  /** What earlier attempts have used. */
  get spent(): Spent {
    return this.#spent;
  }

  /**
   * The work is done or has failed. What is answered is kept until it is known to be stored: if the
   * agent is killed before, the next attempt answers the same.
   *
   * @throws {ReplacedError} If a newer attempt owns the record.
   */
  async finish(
    state: "done" | "failed",
    answer: KeptAnswer,
    changes: Partial<WorkRecord>,
  ): Promise<void> {
    await this.checkOwned();
    const path = keptPath(this.#worktrees, "answers", this.#record);
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(path, JSON.stringify(answer), { mode: 0o600 });
    await this.save({ ...changes, state });
  }

  /**
   * The result is stored: the worktree of work that is done is removed, unless something in it would
   * be lost.
   *
   * @returns Why it was kept, if it was.
   */
  async stored(): Promise<string | undefined> {
    await Deno.remove(keptPath(this.#worktrees, "answers", this.#record)).catch(() => {});
    if (this.#record.state !== "done" || this.worktree === undefined) return undefined;
    const removal = await this.worktree.remove();
    return removal.kind === "kept" ? removal.why : undefined;
  }

  /** @throws {ReplacedError} If a newer attempt owns the record. */
  async save(changes: Partial<WorkRecord>): Promise<void> {
    await this.checkOwned();
    await this.#write({ ...this.#record, ...changes });
  }

  /** @throws {ReplacedError} If a newer attempt owns the record. */
  async checkOwned(): Promise<void> {
    const there = await readRecord(recordPath(this.#worktrees, this.#record));
    if (there === undefined || there.attempt <= this.#record.attempt) return;
    throw new ReplacedError(`Attempt ${there.attempt} has taken the work over`);
  }

  async #write(record: WorkRecord): Promise<void> {
    this.#record = { ...record, updated_at: new Date().toISOString() };
    await writeRecord(this.#worktrees, this.#record);
  }
}

function identity({ work, context }: PlaceOptions) {
  return { session: context.session, role: context.role, key: work.key };
}

async function hasEntries(folder: string): Promise<boolean> {
  try {
    for await (const _entry of Deno.readDir(folder)) return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
  return false;
}

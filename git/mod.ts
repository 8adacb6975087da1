/**
 * Worktrees for agents: made, kept as snapshots, committed, and removed, without any content lost.
 *
 * @module
 */
export type { ChangedFile, Changes, ChangesOptions, FileStatus } from "./changes.ts";
export { type Applied, Checkout } from "./checkout.ts";
export type { Author } from "./commit_message.ts";
export { GitError, type GitErrorCode } from "./errors.ts";
export type { LeftOut } from "./file_tree.ts";
export { GIT_VARIABLES } from "./git_process.ts";
export { type PatchedFile, patchedFiles } from "./patch_text.ts";
export {
  Repository,
  type RepositoryOptions,
  type Snapshot,
  type WorktreeOptions,
} from "./repository.ts";
export {
  type CommitOptions,
  type Removal,
  type SnapshotName,
  Worktree,
  type WorktreePlace,
} from "./worktree.ts";
export {
  hasWorktree,
  keptPath,
  listRecords,
  oldFiles,
  readRecord,
  recordName,
  recordPath,
  type RecordProblem,
  removeRecord,
  type WorkRecord,
  type WorktreeRecord,
  writeRecord,
} from "./work_record.ts";

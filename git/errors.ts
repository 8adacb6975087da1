import { OurocodusError } from "@ourocodus/protocol";

/** Codes of a {@linkcode GitError}. */
export type GitErrorCode =
  /** git is not there, or said no. */
  | "git_failed"
  /** The folder is no repository that work can be done in. */
  | "no_repository"
  /** A worktree that was there is not there any more. */
  | "worktree_missing"
  /** A file that should be copied into a worktree cannot be, or must not be. */
  | "copy_refused";

/** Something with git failed; the message has git's own words. */
export class GitError extends OurocodusError {
  override readonly name = "GitError";

  constructor(code: GitErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}

/**
 * What is made of an attempt when its work has ended: the result or the error that is answered, the
 * record of it, and the files, which are kept in any case.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { GitError } from "@ourocodus/git";
import { messageOf } from "@ourocodus/protocol";
import { isA, RetryableError, type WorkAbortedError, WorkError } from "../errors.ts";
import {
  type AttemptFiles,
  type CommittedChanges,
  isMissing,
  unlessMissing,
} from "./attempt_files.ts";
import type { AttemptOptions } from "./attempt_options.ts";
import type { CodingConversation } from "./coding_conversation.ts";
import { type CheckSaid, type CodingResult, fitted } from "./coding_result.ts";
import { type KeptAnswer, ReplacedError } from "./place.ts";
import { isSystemError } from "./system_error.ts";

/** What an end is made of. */
export interface AttemptEndOptions extends Pick<AttemptOptions, "context" | "place" | "suspend"> {
  readonly conversation: CodingConversation;
  readonly files: AttemptFiles;
}

/** What was found out about the work besides what the agent said. */
export interface Verified {
  /** What the operator's check said the last time. */
  readonly check?: CheckSaid;
  /** The value that the payload's schema asks for. */
  readonly output?: { readonly value: unknown };
}

const logger = getLogger(["ourocodus", "agent"]);

/** When work is tried again whose files could not be kept, in milliseconds. */
const KEEP_RETRY_MS = 10_000;
/** As git says it. */
const DISK_FULL = "No space left on device";

/** Why nobody wants the work's result any more. */
const IS_OVER = ["answered", "cancelled", "deadline_exceeded"];

/** Ends an attempt; one of its methods is called, once. */
export class AttemptEnd {
  readonly #options: AttemptEndOptions;

  constructor(options: AttemptEndOptions) {
    this.#options = options;
  }

  /** Commits the files. @returns The result's payload. */
  async answer(verified: Verified): Promise<CodingResult> {
    const { context, conversation: { said, stopReason }, files } = this.#options;
    const changes = await files.commit();
    const result = await fitted<CodingResult>({
      text: said.text,
      ...(verified.output !== undefined && { output: verified.output.value }),
      ...(stopReason !== undefined && { stop_reason: stopReason }),
      ...this.#facts(verified),
    }, { changes, maxBytes: context.maxPayloadBytes, patchFile: files.pathOf("patches") });
    await this.#finish("done", { kind: "result", payload: result }, changes);
    return result;
  }

  /** Keeps the files. @returns What to throw for what was thrown. */
  async failure(thrown: unknown, verified: Verified): Promise<unknown> {
    const { context: { signal }, suspend } = this.#options;
    try {
      if (signal.aborted) return await this.#aborted(signal.reason);
      if (isA(thrown, RetryableError)) return await this.#interrupted(thrown);
      if (isA(thrown, ReplacedError)) return new RetryableError(thrown.message);
      if (isMissing(thrown)) {
        return await this.#failed(new WorkError(thrown.code, thrown.message), verified);
      }
      if (isA(thrown, GitError)) {
        const { message, code: reason } = thrown;
        const delayMs = KEEP_RETRY_MS;
        return await this.#interrupted(new RetryableError(message, { delayMs, reason }));
      }
      return await this.#failed(isA(thrown, WorkError) ? thrown : bug(thrown), verified);
    } catch (error) {
      if (isA(error, ReplacedError)) return new RetryableError(error.message);
      const message = `The files could not be kept: ${messageOf(error)}`;
      if (isSystemError(error) || message.includes(DISK_FULL)) suspend(message);
      return new RetryableError(message, { delayMs: KEEP_RETRY_MS, cause: error });
    }
  }

  async #aborted(reason: WorkAbortedError): Promise<unknown> {
    const { files, place } = this.#options;
    await files.keep();
    const isOver = IS_OVER.includes(reason.code);
    await place.save({ state: isOver ? "cancelled" : "interrupted", ...this.#spent() });
    return reason;
  }

  async #interrupted(error: RetryableError): Promise<unknown> {
    const { files, place } = this.#options;
    await files.keep();
    await place.save({ state: "interrupted", ...this.#spent() });
    return error;
  }

  async #failed(
    { code, message, details, cause }: WorkError,
    verified: Verified,
  ): Promise<unknown> {
    const { context, conversation, files } = this.#options;
    const changes = await files.commit().catch(unlessMissing);
    const { text } = conversation.said;
    const said = await fitted({ ...details, text, ...this.#facts(verified) }, {
      changes,
      maxBytes: context.maxPayloadBytes - JSON.stringify({ code, message }).length * 2,
      patchFile: files.pathOf("patches"),
    });
    const error = new WorkError(code, message, { cause, details: { ...said } });
    await this.#finish("failed", { kind: "error", code, message, details: said }, changes);
    return error;
  }

  /** A disk that is full is no reason not to answer: what is answered is kept for a crash alone. */
  async #finish(
    state: "done" | "failed",
    answer: KeptAnswer,
    changes: CommittedChanges | undefined,
  ): Promise<void> {
    try {
      const commit = changes !== undefined && { commit: changes.commit };
      await this.#options.place.finish(state, answer, { ...this.#spent(), ...commit });
    } catch (error) {
      if (!isSystemError(error)) throw error;
      logger.error("Cannot write down what was answered: {why}", { why: error.message });
    }
  }

  /** What a result and an error have in common. */
  #facts({ check }: Verified) {
    const { place: { worktree }, context, conversation } = this.#options;
    const { said, usage, permissions, limits, transcriptPath } = conversation;
    return {
      agent: conversation.agent,
      ...(worktree !== undefined && { branch: worktree.branch, base: worktree.base }),
      ...(Object.keys(usage).length > 0 && { usage }),
      tools: said.tools,
      permissions: permissions.decisions,
      ...(permissions.leftOut > 0 && { more_permissions: permissions.leftOut }),
      ...(check !== undefined && { check }),
      duration_ms: Math.round(limits.spent.ms),
      attempt: context.attempt,
      resumed: conversation.isResumed,
      ...(transcriptPath !== undefined && { transcript: transcriptPath }),
    };
  }

  /** What the record says of what was used. */
  #spent() {
    const { conversation: { limits: { spent } }, files: { snapshots } } = this.#options;
    return {
      spent_ms: Math.round(spent.ms),
      spent_turns: spent.turns,
      spent_usage: spent.usage,
      snapshots,
    };
  }
}

/** What nobody has foreseen is an error of the agent's, and told as it is. */
function bug(thrown: unknown): WorkError {
  return new WorkError("agent_failed", messageOf(thrown), { cause: thrown });
}

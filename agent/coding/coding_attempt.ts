/**
 * One attempt at a work item: setting up, the coding agent's turns, and what they have to satisfy.
 *
 * Invariants:
 * 1. Memory and files belong together: an earlier conversation is gone on with only in the worktree
 *    that it knows. If it cannot be loaded, the files go back to the base, and the work begins anew.
 * 2. An attempt that a newer one has replaced changes neither record nor branch.
 * 3. Whatever way it ends, its adapter has ended, and its files are in a commit, when it is answered.
 *
 * @module
 */
import { RetryableError, WorkError } from "../errors.ts";
import { confined } from "../processes/mod.ts";
import { AttemptEnd } from "./attempt_end.ts";
import { AttemptFiles } from "./attempt_files.ts";
import type { AttemptOptions } from "./attempt_options.ts";
import { CodingConversation } from "./coding_conversation.ts";
import type { CheckSaid, CodingResult } from "./coding_result.ts";
import { runShell, type ShellResult } from "./shell_command.ts";
import { checkFailedPrompt, resumePrompt, schemaRepairPrompt } from "./turn/mod.ts";

/** How long setting a worktree up may take, in milliseconds. */
const SETUP_TIMEOUT_MS = 1_800_000;
/** When work is tried again whose worktree could not be set up, in milliseconds. */
const SETUP_RETRY_MS = 10_000;
/** How long a check may take unless an option says otherwise, in milliseconds. */
const CHECK_TIMEOUT_MS = 600_000;
const CHECK_TURNS = 2;

/** One attempt at a work item; `run` is called once. */
export class CodingAttempt {
  readonly #options: AttemptOptions;
  readonly #files: AttemptFiles;
  readonly #conversation: CodingConversation;
  #check: CheckSaid | undefined;
  #output: { readonly value: unknown } | undefined;

  constructor(options: AttemptOptions) {
    this.#options = options;
    const notice = (text: string) => this.#notice(text);
    this.#files = new AttemptFiles({ ...options, notice });
    this.#conversation = new CodingConversation(options, this.#files);
  }

  /**
   * Does the work.
   *
   * @returns The result's payload.
   * @throws {WorkError} A final error, with branch and patch so far.
   * @throws {RetryableError} If another attempt may go on.
   * @throws {WorkAbortedError} If nobody wants the result any more.
   */
  async run(): Promise<CodingResult> {
    const { adapter } = this.#options;
    const files = this.#files;
    const conversation = this.#conversation;
    const end = new AttemptEnd({ ...this.#options, conversation, files });
    conversation.limits.start();
    try {
      await this.#work();
      await adapter.end();
      return await end.answer(this.#verified);
    } catch (thrown) {
      await adapter.end();
      throw await end.failure(thrown, this.#verified);
    } finally {
      conversation.limits.stop();
      await conversation.close();
    }
  }

  async #work(): Promise<void> {
    const { place, assignment } = this.#options;
    const conversation = this.#conversation;
    if (place.record.acp_session === undefined) {
      // No conversation knows what an earlier attempt may have left.
      if (place.isTakenOver) await this.#files.resetToBase();
      await this.#setUp();
    }
    await conversation.open();
    await conversation.turn(conversation.isResumed ? resumePrompt() : assignment.prompt);
    await this.#satisfyCheck();
    await this.#satisfySchema();
  }

  /** Copies files, and runs the operator's commands, in a new worktree. */
  async #setUp(): Promise<void> {
    const { equipment: { repository, options: { copy = [], setup = [] } }, place } = this.#options;
    if (repository !== undefined && place.worktree !== undefined && copy.length > 0) {
      await repository.copyInto(place.worktree, copy);
    }
    for (const command of setup) {
      this.#notice(`Setting up: ${command}`);
      const ran = await this.#shell(command, { timeoutMs: SETUP_TIMEOUT_MS, isTrusted: true });
      if (ran.exitCode === 0) continue;
      const how = ran.timedOut
        ? `took longer than ${SETUP_TIMEOUT_MS / 60_000} min`
        : `ended with exit code ${ran.exitCode}`;
      const said = ran.output.trim().split("\n").at(-1) ?? "";
      throw new RetryableError(`Setting up: ${command} ${how}: ${said.slice(0, 300)}`, {
        delayMs: SETUP_RETRY_MS,
        reason: "not_accepted",
      });
    }
  }

  /** Has the operator's check decide, and its failures be further turns. */
  async #satisfyCheck(): Promise<void> {
    const { check } = this.#options.equipment.options;
    if (check === undefined) return;
    const { command, turns: maxTurns = CHECK_TURNS, timeoutMs = CHECK_TIMEOUT_MS } = check;
    for (let turns = 0;; turns++) {
      this.#notice(`Checking: ${command}`);
      const ran = await this.#shell(command, { timeoutMs });
      const passed = ran.exitCode === 0 && !ran.timedOut;
      this.#check = {
        command,
        exit_code: ran.exitCode,
        duration_ms: ran.durationMs,
        turns,
        ...(!passed && { output: ran.output, ...(ran.timedOut && { timed_out: true }) }),
      };
      this.#notice(`The check ${passed ? "passed" : "failed"}: ${command}`);
      if (passed) return;
      const why = ran.timedOut
        ? `took longer than ${timeoutMs / 1_000} s`
        : `ended with exit code ${ran.exitCode}`;
      if (turns >= maxTurns) {
        throw new WorkError(
          "check_failed",
          `The check ${command} ${why}, after ${turns} more turns`,
        );
      }
      await this.#conversation.turn(checkFailedPrompt({
        command,
        output: ran.output,
        ...(ran.timedOut ? { why } : { exitCode: ran.exitCode }),
      }));
    }
  }

  /** Has the answer be what the payload's schema asks for. */
  async #satisfySchema(): Promise<void> {
    const { schema } = this.#options.assignment;
    if (schema === undefined) return;
    const { said } = this.#conversation;
    let checked = schema.check(said.text);
    if (checked.kind === "mismatch") {
      await this.#conversation.turn(schemaRepairPrompt(checked.errors, schema.text));
      checked = schema.check(said.text);
    }
    if (checked.kind === "mismatch") {
      throw new WorkError("schema_mismatch", "The answer does not fit payload.schema", {
        details: { errors: checked.errors },
      });
    }
    if (checked.kind === "invalid_schema") {
      throw new WorkError("invalid_schema", `Cannot use payload.schema: ${checked.reason}`);
    }
    this.#output = { value: checked.value };
  }

  /** @throws What it means if it was ended because of a limit, or because nobody wants the result. */
  async #shell(
    command: string,
    { timeoutMs, isTrusted = false }: { timeoutMs: number; isTrusted?: boolean },
  ): Promise<ShellResult> {
    const { equipment: { env, sandbox, clock }, keeper, place, shellMark } = this.#options;
    const { signal } = this.#conversation.limits;
    const wrap = (words: readonly string[]) =>
      isTrusted ? words : confined(words, place.folder, sandbox);
    try {
      return await runShell(command, {
        cwd: place.folder,
        env,
        mark: shellMark,
        keeper,
        wrap,
        clock,
        timeoutMs,
        signal,
      });
    } catch (error) {
      if (signal.aborted) this.#conversation.judge({ stopReason: "cancelled" });
      throw error;
    }
  }

  get #verified() {
    return {
      ...(this.#check !== undefined && { check: this.#check }),
      ...(this.#output !== undefined && { output: this.#output }),
    };
  }

  /** Tells something that a person should know. */
  #notice(text: string): void {
    this.#conversation.said.notice(text);
  }
}

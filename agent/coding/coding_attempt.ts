/**
 * One attempt at a work item: the conversation with the coding agent, and what is made of it.
 *
 * Invariants:
 * 1. Memory and files belong together: an earlier conversation is gone on with only in the worktree
 *    that it knows. If it cannot be loaded, the files go back to the base, and the work begins anew.
 * 2. An attempt that a newer one has replaced changes neither record nor branch.
 * 3. Whatever way it ends, its adapter has ended, and its files are in a commit, when it is answered.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { join } from "node:path";
import { type Changes, GitError, keptPath } from "@ourocodus/git";
import { messageOf } from "@ourocodus/protocol";
import { isA, RetryableError, type WorkAbortedError, WorkError } from "../errors.ts";
import { bwrapCommand, type Keeper } from "../processes/mod.ts";
import type { Work, WorkContext } from "../work.ts";
import {
  type Adapter,
  AdapterError,
  type AgentInfo,
  CannotLoad,
  type Conversation,
  type ConversationListener,
  type OpenOptions,
  type TurnEnd,
} from "./acp/mod.ts";
import type { Assignment } from "./assignment.ts";
import { type CheckSaid, type CodingResult, fitted } from "./coding_result.ts";
import type { Equipment } from "./equipment.ts";
import { type KeptAnswer, type Place, ReplacedError } from "./place.ts";
import { runShell, type ShellResult } from "./shell_command.ts";
import { isSystemError } from "./system_error.ts";
import {
  addUsage,
  checkFailedPrompt,
  decideBy,
  type ExceededLimit,
  outcomeOf,
  Permissions,
  ProgressFeed,
  resumePrompt,
  schemaRepairPrompt,
  Transcript,
  TurnRecord,
  type WorkUsage,
} from "./turn/mod.ts";

/** What an attempt is made of. */
export interface CodingAttemptOptions {
  readonly equipment: Equipment;
  readonly keeper: Keeper;
  readonly assignment: Assignment;
  readonly work: Work;
  readonly context: WorkContext;
  readonly place: Place;
  /** The coding agent's process, started in the place's folder. */
  readonly adapter: Adapter;
  /** Finds what setting up and checking leave behind. */
  readonly shellMark: string;
  /** The coding agent can do no work until somebody acts. */
  readonly suspend: (reason: string) => void;
}

const logger = getLogger(["ourocodus", "agent"]);

/** How long setting a worktree up may take, in milliseconds. */
const SETUP_TIMEOUT_MS = 1_800_000;
/** When work is tried again whose worktree could not be set up, or not be committed. */
const SETUP_RETRY_MS = 10_000;
/** As git says it. */
const DISK_FULL = "No space left on device";
/** How long a check may take unless an option says otherwise, in milliseconds. */
const CHECK_TIMEOUT_MS = 600_000;
const CHECK_TURNS = 2;

/** One attempt at a work item; `run` is called once. */
export class CodingAttempt {
  readonly #options: CodingAttemptOptions;
  readonly #begunMs: number;
  readonly #feed: ProgressFeed;
  readonly #said: TurnRecord;
  readonly #permissions: Permissions;
  readonly #transcript: Transcript | undefined;
  /** Aborted when a limit of the work item is over. */
  readonly #over = new AbortController();
  /** Aborted then, and when nobody wants the result any more. */
  readonly #signal: AbortSignal;
  #exceeded: ExceededLimit | undefined;
  #callOffDuration = () => {};
  #info: AgentInfo | undefined;
  #conversation: Conversation | undefined;
  #stopReason: string | undefined;
  #check: CheckSaid | undefined;
  #output: { readonly value: unknown } | undefined;
  #resumed = false;
  #snapshots = 0;

  constructor(options: CodingAttemptOptions) {
    const { equipment, context, place } = options;
    const { clock, preset, policy, options: { thoughts, transcript } } = equipment;
    this.#options = options;
    this.#begunMs = clock.now();
    this.#signal = AbortSignal.any([context.signal, this.#over.signal]);
    this.#feed = new ProgressFeed({ send: (payload) => context.progress(payload), clock });
    this.#said = new TurnRecord((progress) => this.#feed.put(progress), {
      root: place.folder,
      clock,
      thoughts,
      usageOfLastStep: preset.usageOfLastStep,
      toolFinished: () => {
        void this.#snapshot();
        this.#checkLimits();
      },
    });
    this.#permissions = new Permissions({
      decide: decideBy(policy, place.folder),
      record: this.#said,
      root: place.folder,
      commandIsTitle: preset.commandIsTitle,
      decided: (decision) => this.#feed.put({ type: "permission", ...decision }),
    });
    this.#transcript = transcript === true
      ? new Transcript({
        path: this.#file("transcripts"),
        clock,
        ended: (notice) => this.#said.notice(notice),
      })
      : undefined;
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
    this.#watchDuration();
    try {
      await this.#work();
      await adapter.end();
      return await this.#answer();
    } catch (thrown) {
      await adapter.end();
      throw await this.#failure(thrown);
    } finally {
      this.#callOffDuration();
      this.#feed.flush();
      await this.#transcript?.close();
    }
  }

  async #work(): Promise<void> {
    const { place, assignment } = this.#options;
    if (place.record.acp_session === undefined) {
      // No conversation knows what an earlier attempt may have left.
      if (place.isTakenOver) await place.worktree?.resetToBase(this.#snapshotName());
      await this.#setUp();
    }
    await this.#open();
    await this.#turn(this.#resumed ? resumePrompt() : assignment.prompt);
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
      this.#said.notice(`Setting up: ${command}`);
      const ran = await this.#shell(command, { timeoutMs: SETUP_TIMEOUT_MS, isTrusted: true });
      if (ran.exitCode === 0) continue;
      const how = ran.timedOut
        ? `took longer than ${SETUP_TIMEOUT_MS / 60_000} min`
        : `ended with exit code ${ran.exitCode}`;
      const said = ran.output.trim().split("\n").at(-1) ?? "";
      throw new RetryableError(`Setting up: ${command} ${how}: ${said.slice(0, 300)}`, {
        delayMs: SETUP_RETRY_MS,
        reason: "setup_failed",
      });
    }
  }

  async #open(): Promise<void> {
    const { equipment: { asking }, place, adapter } = this.#options;
    const options: OpenOptions = {
      listener: this.#listener(),
      ...(asking.mode !== undefined && { mode: asking.mode }),
      ...(asking.meta !== undefined && { meta: asking.meta }),
    };
    try {
      this.#info = await adapter.ready();
      this.#conversation = await this.#loaded(options) ?? await adapter.open(options);
    } catch (error) {
      if (error instanceof AdapterError) this.#judge(error);
      throw error;
    }
    await place.save({
      state: "running",
      acp_session: this.#conversation.id,
      ...(asking.mode !== undefined && { mode: asking.mode }),
    });
  }

  /** The conversation of an earlier attempt, if there is one that can be gone on with. */
  async #loaded(options: OpenOptions): Promise<Conversation | undefined> {
    const { place, adapter } = this.#options;
    const { acp_session: load } = place.record;
    if (load === undefined) return undefined;
    try {
      const conversation = await adapter.open({ ...options, load });
      this.#resumed = true;
      this.#said.notice("The work was interrupted; the coding agent goes on in its conversation");
      return conversation;
    } catch (error) {
      // One that hangs at it would do so at every attempt.
      if (error instanceof AdapterError && error.code === "no_answer") {
        await place.save({ acp_session: undefined });
      }
      if (!(error instanceof CannotLoad)) throw error;
      this.#said.notice(`The work was interrupted, and begins anew: ${error.message}`);
      await place.worktree?.resetToBase(this.#snapshotName());
      return undefined;
    }
  }

  #listener(): ConversationListener {
    return {
      update: (update) => {
        this.#transcript?.write("update", update);
        this.#said.update(update);
        if (update.sessionUpdate === "usage_update") this.#checkLimits();
      },
      permission: async (request, signal) => {
        this.#transcript?.write("permission", request);
        return (await this.#permissions.answer(request, signal)).outcome;
      },
      file: (access, path) => this.#mayUse(access, path),
    };
  }

  /** Files that are read or written through us are no other than those of the agent's own tools. */
  #mayUse(access: "read" | "write", path: string): boolean {
    const { equipment: { policy }, place } = this.#options;
    const kind = access === "write" ? "edit" : "read";
    const question = { tool: "", title: `${access} ${path}`, kind, paths: [path] } as const;
    const verdict = policy.decide(question, place.folder);
    if (verdict.answer === "deny") this.#said.notice(`Denied to ${access} ${path}: ${verdict.why}`);
    return verdict.answer === "allow";
  }

  /** One turn of the conversation. @throws What its end means, unless that is a result. */
  async #turn(prompt: string): Promise<void> {
    const { assignment: { limits } } = this.#options;
    this.#said.promptSent();
    this.#permissions.promptSent();
    this.#transcript?.write("prompt", prompt);
    let end: TurnEnd | AdapterError | undefined;
    try {
      end = await this.#conversation?.prompt(prompt, this.#signal);
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      end = error;
    }
    if (end === undefined) throw new Error("There is no conversation");
    this.#transcript?.write("end", end instanceof AdapterError ? { error: end.message } : end);
    if (!(end instanceof AdapterError)) {
      this.#stopReason = end.stopReason;
      this.#said.promptEnded(end);
      this.#checkLimits();
      const unreported = limits.unreported(this.#said.usage);
      if (unreported !== undefined) this.#said.notice(unreported);
    }
    this.#judge(end);
  }

  /** @throws What the end of a turn, or of the agent, means, unless that is a result. */
  #judge(end: TurnEnd | AdapterError): void {
    const { equipment: { preset }, context, suspend } = this.#options;
    const outcome = outcomeOf(end, {
      agent: preset.title,
      isAborted: context.signal.aborted,
      exceeded: this.#exceeded,
      text: this.#said.text,
      isAnswered: this.#said.isAnswered,
      toolsOfPrompt: this.#said.toolsOfPrompt,
      denied: this.#permissions.denied,
      failure: this.#said.failure,
      login: preset.login.how,
      wallMs: Date.now(),
    });
    switch (outcome.kind) {
      case "result":
        return;
      case "aborted":
        throw context.signal.reason;
      case "retry": {
        const { message, delayMs, reason } = outcome;
        if (reason === "agent_start_failed") suspend(message);
        throw new RetryableError(message, { delayMs, reason });
      }
      case "error":
        if (outcome.suspendsAgent) suspend(outcome.message);
        throw new WorkError(outcome.code, outcome.message, { details: outcome.details });
    }
  }

  /** Has the operator's check decide, and its failures be further turns. */
  async #satisfyCheck(): Promise<void> {
    const { check } = this.#options.equipment.options;
    if (check === undefined) return;
    const { command, turns: maxTurns = CHECK_TURNS, timeoutMs = CHECK_TIMEOUT_MS } = check;
    for (let turns = 0;; turns++) {
      this.#said.notice(`Checking: ${command}`);
      const ran = await this.#shell(command, { timeoutMs });
      const passed = ran.exitCode === 0 && !ran.timedOut;
      this.#check = {
        command,
        exit_code: ran.exitCode,
        duration_ms: ran.durationMs,
        turns,
        ...(!passed && { output: ran.output, ...(ran.timedOut && { timed_out: true }) }),
      };
      this.#said.notice(`The check ${passed ? "passed" : "failed"}: ${command}`);
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
      await this.#turn(checkFailedPrompt({
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
    let checked = schema.check(this.#said.text);
    if (checked.kind === "mismatch") {
      await this.#turn(schemaRepairPrompt(checked.errors, schema.text));
      checked = schema.check(this.#said.text);
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
    const wrap = (words: readonly string[]) =>
      sandbox === undefined || isTrusted ? words : bwrapCommand(sandbox.program, words, {
        ...sandbox,
        writable: [...sandbox.writable, place.folder],
        cwd: place.folder,
      });
    try {
      const cwd = place.folder;
      const signal = this.#signal;
      return await runShell(command, {
        cwd,
        env,
        mark: shellMark,
        keeper,
        wrap,
        clock,
        timeoutMs,
        signal,
      });
    } catch (error) {
      if (this.#signal.aborted) this.#judge({ stopReason: "cancelled" });
      throw error;
    }
  }

  // What is made of it

  async #answer(): Promise<CodingResult> {
    const { context } = this.#options;
    const changes = await this.#commit();
    const result = await fitted<CodingResult>({
      text: this.#said.text,
      ...(this.#output !== undefined && { output: this.#output.value }),
      ...(this.#stopReason !== undefined && { stop_reason: this.#stopReason }),
      ...this.#facts(),
    }, { changes, maxBytes: context.maxPayloadBytes, patchFile: this.#file("patches") });
    await this.#finish("done", { kind: "result", payload: result }, changes);
    return result;
  }

  /** A disk that is full is no reason not to answer: what is answered is kept for a crash alone. */
  async #finish(
    state: "done" | "failed",
    answer: KeptAnswer,
    changes: { readonly commit: string } | undefined,
  ): Promise<void> {
    try {
      await this.#options.place.finish(state, answer, this.#endOf(changes));
    } catch (error) {
      if (!isSystemError(error)) throw error;
      logger.error("Cannot write down what was answered: {why}", { why: error.message });
    }
  }

  /** What to throw for what was thrown; the files are kept in any case. */
  async #failure(thrown: unknown): Promise<unknown> {
    const { context: { signal } } = this.#options;
    try {
      if (signal.aborted) return await this.#aborted(signal.reason);
      if (isA(thrown, RetryableError)) return await this.#interrupted(thrown);
      if (isA(thrown, ReplacedError)) return new RetryableError(thrown.message);
      if (isMissing(thrown)) return await this.#failed(new WorkError(thrown.code, thrown.message));
      if (isA(thrown, GitError)) {
        const { message, code: reason } = thrown;
        const delayMs = SETUP_RETRY_MS;
        return await this.#interrupted(new RetryableError(message, { delayMs, reason }));
      }
      return await this.#failed(isA(thrown, WorkError) ? thrown : bug(thrown));
    } catch (error) {
      if (isA(error, ReplacedError)) return new RetryableError(error.message);
      const message = `The files could not be kept: ${messageOf(error)}`;
      if (isSystemError(error) || message.includes(DISK_FULL)) this.#options.suspend(message);
      return new RetryableError(message, { delayMs: SETUP_RETRY_MS, cause: error });
    }
  }

  async #aborted(reason: WorkAbortedError): Promise<unknown> {
    await this.#keep();
    const isOver = reason.code === "cancelled" || reason.code === "answered";
    await this.#options.place.save({
      state: isOver ? "cancelled" : "interrupted",
      ...this.#endOf(undefined),
    });
    return reason;
  }

  async #interrupted(error: RetryableError): Promise<unknown> {
    await this.#keep();
    await this.#options.place.save({ state: "interrupted", ...this.#endOf(undefined) });
    return error;
  }

  async #failed({ code, message, details, cause }: WorkError): Promise<unknown> {
    const { context } = this.#options;
    const changes = await this.#commit().catch(unlessMissing);
    const said = await fitted({ ...details, text: this.#said.text, ...this.#facts() }, {
      changes,
      maxBytes: context.maxPayloadBytes - JSON.stringify({ code, message }).length * 2,
      patchFile: this.#file("patches"),
    });
    const error = new WorkError(code, message, { cause, details: { ...said } });
    await this.#finish("failed", { kind: "error", code, message, details: said }, changes);
    return error;
  }

  /** What a result and an error have in common. */
  #facts() {
    const { place: { worktree }, equipment: { preset }, context } = this.#options;
    const usage = this.#said.usage;
    const model = this.#said.model ?? this.#conversation?.model;
    return {
      agent: {
        name: preset.name,
        ...(this.#info?.version && { version: this.#info.version }),
        ...(model !== undefined && { model }),
      },
      ...(worktree !== undefined && { branch: worktree.branch, base: worktree.base }),
      ...(Object.keys(usage).length > 0 && { usage }),
      tools: this.#said.tools,
      permissions: this.#permissions.decisions,
      ...(this.#permissions.leftOut > 0 && { more_permissions: this.#permissions.leftOut }),
      ...(this.#check !== undefined && { check: this.#check }),
      duration_ms: Math.round(this.#durationMs),
      attempt: context.attempt,
      resumed: this.#resumed,
      ...(this.#transcript !== undefined && { transcript: this.#transcript.path }),
    };
  }

  #endOf(changes: { readonly commit: string } | undefined) {
    return {
      spent_ms: Math.round(this.#durationMs),
      spent_turns: this.#turns,
      spent_usage: this.#usage,
      snapshots: this.#snapshots,
      ...(changes !== undefined && { commit: changes.commit }),
    };
  }

  async #commit(): Promise<(Changes & { readonly commit: string }) | undefined> {
    const { place, work, context, equipment: { preset }, assignment } = this.#options;
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
      this.#said.notice(`Not committed: ${path} ${why}`);
    }
    const patchFile = this.#file("patches");
    await Deno.mkdir(join(patchFile, ".."), { recursive: true, mode: 0o700 });
    const maxPatchBytes = context.maxPayloadBytes;
    return { ...await worktree.changes(commit, { maxPatchBytes, patchFile }), commit };
  }

  async #keep(): Promise<void> {
    const { place } = this.#options;
    await place.checkOwned();
    await place.worktree?.snapshot(this.#snapshotName()).catch(unlessMissing);
  }

  /** Keeps what is there now, so that one can look at it while the agent works. */
  async #snapshot(): Promise<void> {
    try {
      await this.#options.place.worktree?.snapshot(this.#snapshotName());
    } catch (error) {
      this.#said.notice(`No snapshot: ${messageOf(error)}`);
    }
  }

  #snapshotName() {
    const { work: { sequence, attempt } } = this.#options;
    return { sequence, attempt, n: ++this.#snapshots };
  }

  /** Looks at the limits when the time is over; a timer may come a little early. */
  #watchDuration(): void {
    const { equipment: { clock }, assignment: { limits: { limits } } } = this.#options;
    if (limits.maxDurationMs === undefined || this.#exceeded !== undefined) return;
    const leftMs = Math.max(1, limits.maxDurationMs - this.#durationMs);
    this.#callOffDuration = clock.after(leftMs, () => {
      this.#checkLimits();
      this.#watchDuration();
    });
  }

  #checkLimits(): void {
    if (this.#exceeded !== undefined) return;
    this.#exceeded = this.#options.assignment.limits.exceeded({
      durationMs: this.#durationMs,
      usage: this.#usage,
      turns: this.#turns,
    });
    if (this.#exceeded !== undefined) this.#over.abort(new Error(this.#exceeded.message));
  }

  /** The work item's tool calls, those of earlier attempts included. */
  get #turns(): number {
    return this.#options.place.spent.turns + this.#said.toolCalls;
  }

  /** What is known of what the work item has used, earlier attempts included. */
  get #usage(): WorkUsage {
    // A conversation that is gone on with tells the cost of all of it.
    const { cost, ...before } = this.#options.place.spent.usage;
    return addUsage(this.#resumed ? before : { cost, ...before }, this.#said.usage);
  }

  /** How long the work item has taken, earlier attempts included. */
  get #durationMs(): number {
    const { equipment: { clock }, place: { spent } } = this.#options;
    return spent.ms + clock.now() - this.#begunMs;
  }

  #file(kind: "patches" | "transcripts"): string {
    const { equipment: { worktrees }, place: { record } } = this.#options;
    return keptPath(worktrees, kind, record);
  }
}

/** Whether the agent, or somebody else, has taken the worktree away: there is nothing to keep. */
function isMissing(thrown: unknown): thrown is GitError {
  return isA(thrown, GitError) && thrown.code === "worktree_missing";
}

function unlessMissing(thrown: unknown): undefined {
  if (!isMissing(thrown)) throw thrown;
}

/** What nobody has foreseen is an error of the agent's, and told as it is. */
function bug(thrown: unknown): WorkError {
  return new WorkError("agent_failed", messageOf(thrown), { cause: thrown });
}

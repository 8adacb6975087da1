/**
 * The conversation of one attempt with its coding agent: how it is opened, its turns, and all that is
 * heard in them.
 *
 * @module
 */
import { RetryableError, WorkError } from "../errors.ts";
import { usedUpText } from "../gateway/mod.ts";
import {
  AdapterError,
  type AgentInfo,
  CannotLoad,
  type Conversation,
  type ConversationListener,
  type OpenOptions,
  type TurnEnd,
} from "./acp/mod.ts";
import type { AttemptFiles } from "./attempt_files.ts";
import type { AttemptOptions } from "./attempt_options.ts";
import type { AgentSaid } from "./coding_result.ts";
import { LimitWatch } from "./limit_watch.ts";
import {
  askingPeople,
  CHARGED,
  countedUsage,
  type Decide,
  decideBy,
  outcomeOf,
  type PermissionPolicy,
  Permissions,
  ProgressFeed,
  Transcript,
  TurnRecord,
  type WorkUsage,
} from "./turn/mod.ts";

/** What a conversation is made of. */
export type CodingConversationOptions = Pick<
  AttemptOptions,
  "equipment" | "assignment" | "context" | "place" | "adapter" | "pass" | "suspend" | "work"
>;

/** Speaks with the coding agent; `open` comes first, then a `turn` at a time. */
export class CodingConversation {
  /** What the agent has said and done. */
  readonly said: TurnRecord;
  readonly permissions: Permissions;
  readonly limits: LimitWatch;
  readonly #options: CodingConversationOptions;
  readonly #files: AttemptFiles;
  readonly #feed: ProgressFeed;
  readonly #transcript: Transcript | undefined;
  #info: AgentInfo | undefined;
  #conversation: Conversation | undefined;
  #stopReason: string | undefined;
  #isResumed = false;

  constructor(options: CodingConversationOptions, files: AttemptFiles) {
    const { equipment, assignment, context, place } = options;
    const { clock, preset, policy, options: { thoughts, transcript } } = equipment;
    this.#options = options;
    this.#files = files;
    this.#feed = new ProgressFeed({ send: (payload) => context.progress(payload), clock });
    this.said = new TurnRecord((progress) => this.#feed.put(progress), {
      root: place.folder,
      clock,
      thoughts,
      usageOfLastStep: preset.usageOfLastStep,
      toolFinished: () => {
        void files.snapshot();
        this.limits.check();
      },
    });
    this.limits = new LimitWatch({
      limits: assignment.limits,
      before: place.spent,
      said: this,
      isResumed: () => this.#isResumed,
      clock,
      signal: context.signal,
    });
    this.#assignPass();
    this.permissions = new Permissions({
      decide: this.#decide(policy),
      record: this.said,
      root: place.folder,
      commandIsTitle: preset.commandIsTitle,
      decided: (decision) => this.#feed.put({ type: "permission", ...decision }),
    });
    this.#transcript = transcript === true
      ? new Transcript({
        path: files.pathOf("transcripts"),
        clock,
        ended: (notice) => this.said.notice(notice),
      })
      : undefined;
  }

  /** Whether it is the conversation of an earlier attempt. */
  get isResumed(): boolean {
    return this.#isResumed;
  }

  /** What this attempt has used, as far as the agent, or else the gateway, tells. */
  get usage(): WorkUsage {
    return countedUsage(this.said.usage, this.#options.pass?.usage);
  }

  /** How many tools it has called. */
  get toolCalls(): number {
    return this.said.toolCalls;
  }

  /** Why the last turn ended, in ACP's words. */
  get stopReason(): string | undefined {
    return this.#stopReason;
  }

  /** Which coding agent it is with, as far as that is known. */
  get agent(): AgentSaid {
    const { equipment: { preset } } = this.#options;
    const model = this.said.model ?? this.#conversation?.model;
    return {
      name: preset.name,
      ...(this.#info?.version && { version: this.#info.version }),
      ...(model !== undefined && { model }),
    };
  }

  /** Where everything that was said is kept, if it is. */
  get transcriptPath(): string | undefined {
    return this.#transcript?.path;
  }

  /** Begins it, or goes on with that of an earlier attempt. */
  async open(): Promise<void> {
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
      if (error instanceof AdapterError) this.judge(error);
      throw error;
    }
    await place.save({
      state: "running",
      acp_session: this.#conversation.id,
      ...(asking.mode !== undefined && { mode: asking.mode }),
    });
  }

  /** One turn. @throws What its end means, unless that is a result. */
  async turn(prompt: string): Promise<void> {
    const { assignment: { limits } } = this.#options;
    this.said.promptSent();
    this.permissions.promptSent();
    this.#transcript?.write("prompt", prompt);
    let end: TurnEnd | AdapterError | undefined;
    try {
      end = await this.#conversation?.prompt(prompt, this.limits.signal);
    } catch (error) {
      if (!(error instanceof AdapterError)) throw error;
      end = error;
    }
    if (end === undefined) throw new Error("There is no conversation");
    this.#transcript?.write("end", end instanceof AdapterError ? { error: end.message } : end);
    if (!(end instanceof AdapterError)) {
      this.#stopReason = end.stopReason;
      this.said.promptEnded(end);
      this.limits.check();
      const unreported = limits.unreported(this.usage);
      if (unreported !== undefined) this.said.notice(unreported);
    }
    this.judge(end);
  }

  /** @throws What the end of a turn, or of the agent, means, unless that is a result. */
  judge(end: TurnEnd | AdapterError): void {
    const { equipment: { preset }, context, suspend } = this.#options;
    const outcome = outcomeOf(end, {
      agent: preset.title,
      isAborted: context.signal.aborted,
      exceeded: this.limits.exceeded,
      text: this.said.text,
      isAnswered: this.said.isAnswered,
      toolsOfPrompt: this.said.toolsOfPrompt,
      denied: this.permissions.denied,
      failure: this.said.failure,
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
        if (reason === "not_accepted") suspend(message);
        throw new RetryableError(message, { delayMs, reason, charge: CHARGED.includes(reason) });
      }
      case "error":
        if (outcome.suspendsAgent) suspend(outcome.message);
        throw new WorkError(outcome.code, outcome.message, { details: outcome.details });
    }
  }

  /** By the rules, and by people if they are to be asked. */
  #decide(policy: PermissionPolicy): Decide {
    const { place, context, equipment: { options: { askMs } } } = this.#options;
    const byRules = decideBy(policy, place.folder);
    return askMs === undefined
      ? byRules
      : askingPeople(byRules, (question) => context.ask(question), {
        ...{ root: place.folder, timeoutMs: askMs },
      });
  }

  /** What the gateway lets through for this work item, and what happens when it is too much. */
  #assignPass(): void {
    const { pass, work, assignment, context: { session, role }, suspend } = this.#options;
    const { maxTokens } = assignment.limits.limits;
    pass?.assign({
      work: `${session}/${role}/${work.key}`,
      ...(maxTokens !== undefined && { maxTokens }),
      onUsedUp: (limit) => {
        const { scope, tokens: value, max } = limit;
        const message = usedUpText(limit);
        const name = scope === "work" ? "max_tokens" : "gateway_budget";
        this.limits.end({ limit: name, value, max, message });
        if (scope === "total") suspend(message);
      },
    });
  }

  /** Sends the progress that waits, and ends the transcript. */
  async close(): Promise<void> {
    this.#feed.flush();
    await this.#transcript?.close();
  }

  /**
   * The conversation of an earlier attempt, if there is one that can be gone on with. If it cannot be
   * loaded, the files that it knew go back to the base.
   */
  async #loaded(options: OpenOptions): Promise<Conversation | undefined> {
    const { place, adapter } = this.#options;
    const { acp_session: load } = place.record;
    if (load === undefined) return undefined;
    try {
      const conversation = await adapter.open({ ...options, load });
      this.#isResumed = true;
      this.said.notice("The work was interrupted; the coding agent goes on in its conversation");
      return conversation;
    } catch (error) {
      // One that hangs at it would do so at every attempt.
      if (error instanceof AdapterError && error.code === "no_answer") {
        await place.save({ acp_session: undefined });
      }
      if (!(error instanceof CannotLoad)) throw error;
      this.said.notice(`The work was interrupted, and begins anew: ${error.message}`);
      await this.#files.resetToBase();
      return undefined;
    }
  }

  #listener(): ConversationListener {
    return {
      update: (update) => {
        this.#transcript?.write("update", update);
        this.said.update(update);
        if (update.sessionUpdate === "usage_update") this.limits.check();
      },
      permission: async (request, signal) => {
        this.#transcript?.write("permission", request);
        return (await this.permissions.answer(request, signal)).outcome;
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
    if (verdict.answer === "deny") this.said.notice(`Denied to ${access} ${path}: ${verdict.why}`);
    return verdict.answer === "allow";
  }
}

/**
 * What an agent says while it works on one work item, over all its prompts: the answer, the tools,
 * the plan, what it used. Tells progress as it comes.
 *
 * Invariant: memory is bounded whatever an agent sends. Text is cut at 1 MiB, the latest 1,000 tool
 * calls are known one by one, plans, titles and paths are cut.
 *
 * @module
 */
import type { SessionUpdate, ToolCallUpdate, ToolKind } from "@agentclientprotocol/sdk/unstable";
import type { Clock } from "../../clock.ts";
import { AnswerText } from "./answer_text.ts";
import type { CodingProgress, PlanProgress } from "./progress.ts";
import { failureIn, type SessionFailure } from "../acp/session_failure.ts";
import { ToolCalls, type ToolState } from "./tool_calls.ts";
import { type PromptUsage, UsageSum, type WorkUsage } from "./usage.ts";

/** What {@linkcode TurnRecord} needs. */
export interface TurnRecordOptions {
  /** The worktree, absolute and without symbolic links. */
  readonly root: string;
  readonly clock: Pick<Clock, "now">;
  /** Whether reasoning is progress too; false by default. */
  readonly thoughts?: boolean;
  /** The agent tells the tokens of a prompt's last request only (opencode); false by default. */
  readonly usageOfLastStep?: boolean;
  /** A tool call has completed or failed: the worktree may have changed. */
  readonly toolFinished?: (tool: ToolState) => void;
}

const MAX_PLAN_ENTRIES = 100;
const MAX_ENTRY_CHARACTERS = 500;
const MAX_NOTICE_CHARACTERS = 1_000;

/** Collects what the agent says about one work item. */
export class TurnRecord {
  readonly #tell: (progress: CodingProgress) => void;
  readonly #options: TurnRecordOptions;
  readonly #answer: AnswerText;
  readonly #calls: ToolCalls;
  readonly #usage = new UsageSum();
  #plan: PlanProgress["entries"] | undefined;
  #failure: SessionFailure | undefined;
  #toolsOfPrompt = 0;
  #lastNotice = "";

  /** @param tell Gets progress as it comes, not joined. */
  constructor(tell: (progress: CodingProgress) => void, options: TurnRecordOptions) {
    this.#tell = tell;
    this.#options = options;
    this.#answer = new AnswerText(options.clock);
    this.#calls = new ToolCalls(options.root);
  }

  /** The answer: the last message after the last tool call; without one, the message before. */
  get text(): string {
    return this.#answer.text;
  }

  /** Whether the present prompt got an answer: text after its last tool call. */
  get isAnswered(): boolean {
    return this.#answer.isAnswered;
  }

  /** How many tool calls there were, by ACP's kind. */
  get tools(): Partial<Record<ToolKind, number>> {
    return this.#calls.counts;
  }

  /** Tool calls of the work item, of all kinds. */
  get toolCalls(): number {
    return Object.values(this.#calls.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Tool calls of the present prompt. */
  get toolsOfPrompt(): number {
    return this.#toolsOfPrompt;
  }

  get plan(): PlanProgress["entries"] | undefined {
    return this.#plan;
  }

  get usage(): WorkUsage {
    return this.#usage.usage;
  }

  get model(): string | undefined {
    return this.#usage.model;
  }

  /** The last failure of severity `error` that an update of the present prompt told. */
  get failure(): SessionFailure | undefined {
    return this.#failure;
  }

  /** What is known of a tool call. */
  tool(id: string): ToolState | undefined {
    return this.#calls.get(id);
  }

  /** A prompt is sent: what was said so far is no answer to it. */
  promptSent(): void {
    this.#answer.endMessage();
    this.#failure = undefined;
    this.#toolsOfPrompt = 0;
  }

  /** A prompt was answered. */
  promptEnded(said: PromptUsage): void {
    const isPartial = this.#options.usageOfLastStep === true && this.#toolsOfPrompt > 0;
    this.#usage.promptEnded(said, isPartial);
    const { usage } = this;
    if (usage.cost !== undefined) this.#tell({ type: "usage", cost: usage.cost });
  }

  /** Takes an update of the session. */
  update(update: SessionUpdate): void {
    this.#noteFailure(update._meta);
    switch (update.sessionUpdate) {
      case "agent_message_chunk":
        return this.#said(update.content, update.messageId ?? undefined);
      case "agent_thought_chunk":
        return this.#thought(update.content, update.messageId ?? undefined);
      case "tool_call":
      case "tool_call_update":
        return this.toolCall(update);
      case "plan":
        return this.#planned(update.entries);
      case "plan_update":
        return this.#planned((update.plan as { entries?: unknown }).entries);
      case "usage_update": {
        const progress = this.#usage.update(update);
        if (progress !== undefined) this.#tell(progress);
        return;
      }
      case "notice":
        return this.notice([update.title, update.description].filter(Boolean).join(": "));
      default:
        // Commands, modes, titles and the like say nothing about the work.
        return;
    }
  }

  /** Takes what an agent says about a tool call, also within a request for permission. */
  toolCall(said: ToolCallUpdate): void {
    if (typeof said.toolCallId !== "string") return;
    const { state, isNew, hasChanged, hasFinished } = this.#calls.update(said);
    if (isNew) {
      this.#answer.endMessage();
      this.#toolsOfPrompt++;
    }
    if (hasChanged) this.#tell({ type: "tool", ...state });
    if (hasFinished) this.#options.toolFinished?.(state);
  }

  /** Tells something that a person should know; the same twice in a row once. */
  notice(text: string): void {
    const cut = text.slice(0, MAX_NOTICE_CHARACTERS).toWellFormed();
    if (cut === "" || cut === this.#lastNotice) return;
    this.#lastNotice = cut;
    this.#tell({ type: "notice", text: cut });
  }

  #said(content: { readonly type: string; readonly text?: unknown }, id?: string): void {
    if (content.type !== "text" || typeof content.text !== "string") return;
    this.#answer.add(content.text, id);
    this.#tell({ type: "text", text: content.text, ...messageId(id) });
  }

  #thought(content: { readonly type: string; readonly text?: unknown }, id?: string): void {
    if (this.#options.thoughts !== true) return;
    if (content.type !== "text" || typeof content.text !== "string") return;
    this.#tell({ type: "thought", text: content.text, ...messageId(id) });
  }

  #planned(entries: unknown): void {
    if (!Array.isArray(entries)) return;
    this.#plan = entries.slice(0, MAX_PLAN_ENTRIES).flatMap((entry) => {
      const { content, status } = (entry ?? {}) as { content?: unknown; status?: unknown };
      if (typeof content !== "string") return [];
      return [{
        content: content.slice(0, MAX_ENTRY_CHARACTERS).toWellFormed(),
        status: typeof status === "string" ? status.slice(0, 50) : "pending",
      }];
    });
    this.#tell({ type: "plan", entries: this.#plan });
  }

  #noteFailure(meta: unknown): void {
    const failure = failureIn(meta);
    if (failure === undefined) return;
    if (failure.severity === "error") this.#failure = failure;
    this.notice(failure.title);
  }
}

function messageId(id: string | undefined): { message_id?: string } {
  return id === undefined ? {} : { message_id: String(id).slice(0, 200) };
}

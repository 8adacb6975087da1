/**
 * The vocabulary of a coding agent's progress, the same for every agent. It is public: events of a
 * session carry it, and docs/coding-agents.md describes it.
 *
 * A progress message's payload is `{"updates": […], "message": "one line for people"}`.
 *
 * @module
 */
import type { ToolCallStatus, ToolKind } from "@agentclientprotocol/sdk/unstable";
import { shortened } from "./shortened.ts";

/** A piece of what the agent says. Pieces with one `message_id` belong to one message. */
export interface TextProgress {
  readonly type: "text";
  readonly text: string;
  /** The agent's id of the message; gemini has none. */
  readonly message_id?: string;
}

/** A piece of the agent's reasoning; only with `--thoughts`. */
export interface ThoughtProgress {
  readonly type: "thought";
  readonly text: string;
  readonly message_id?: string;
}

/** The present state of one tool call: the latest with an `id` replaces those before. */
export interface ToolProgress {
  readonly type: "tool";
  readonly id: string;
  /** The agent's words, such as `Edit src/tax.ts` or the command. */
  readonly title: string;
  /** ACP's kind of tool: `read`, `edit`, `execute`, …; `other` if the agent does not say. */
  readonly kind: ToolKind;
  readonly status: ToolCallStatus;
  /** Relative to the worktree; absolute if outside. */
  readonly paths: readonly string[];
}

/** The agent's plan as it stands: each replaces the one before. */
export interface PlanProgress {
  readonly type: "plan";
  readonly entries: ReadonlyArray<{ readonly content: string; readonly status: string }>;
}

/** What the conversation has used so far: each replaces the one before. */
export interface UsageProgress {
  readonly type: "usage";
  /** Tokens in the model's context now, and how many it takes. */
  readonly context_tokens?: number;
  readonly context_size?: number;
  /** The whole conversation's cost so far. */
  readonly cost?: Cost;
}

/** A decision about what the agent asked leave for. */
export interface PermissionProgress extends PermissionDecision {
  readonly type: "permission";
}

/** Something that a person should know: a retry, a limit, a failed check. */
export interface NoticeProgress {
  readonly type: "notice";
  readonly text: string;
}

/** One update within a progress message. */
export type CodingProgress =
  | TextProgress
  | ThoughtProgress
  | ToolProgress
  | PlanProgress
  | UsageProgress
  | PermissionProgress
  | NoticeProgress;

/** The payload of a progress message. */
export interface ProgressPayload {
  readonly updates: readonly CodingProgress[];
  /** One line that says the most important of them, for readers that know no updates. */
  readonly message: string;
}

/** An amount of money. */
export interface Cost {
  readonly amount: number;
  /** ISO 4217, such as `USD`. */
  readonly currency: string;
}

/** What was decided about a tool call, and why. */
export interface PermissionDecision {
  /** The tool call's id. */
  readonly tool: string;
  readonly kind: ToolKind;
  readonly title: string;
  /** The command, if the tool runs one and the agent told it. */
  readonly command?: string;
  /** Relative to the worktree; absolute if outside. */
  readonly paths?: readonly string[];
  readonly answer: "allow" | "deny";
  /** What decided: a policy's name, or a rule's place in its file such as `allow[2]`. */
  readonly rule: string;
  /** For people and for the agent. */
  readonly why: string;
}

const MAX_LINE_CHARACTERS = 200;

/** The line for people: the latest notice, permission, tool or plan, else the text's last line. */
export function progressLine(updates: readonly CodingProgress[]): string {
  const line = updates.map(eventLine).findLast((text) => text !== undefined) ??
    updates.map(textLine).findLast((text) => text !== undefined) ??
    updates.map(usageLine).findLast((text) => text !== undefined) ?? "";
  return oneLine(line);
}

function eventLine(update: CodingProgress): string | undefined {
  switch (update.type) {
    case "notice":
      return update.text;
    case "permission":
      return `${update.answer === "allow" ? "Allowed" : "Denied"}: ${update.title}`;
    case "tool":
      return `${update.title} (${update.status.replace("_", " ")})`;
    case "plan": {
      const done = update.entries.filter(({ status }) => status === "completed").length;
      return `Plan: ${done} of ${update.entries.length} done`;
    }
    case "text":
    case "thought":
    case "usage":
      return undefined;
  }
}

function textLine(update: CodingProgress): string | undefined {
  if (update.type !== "text" && update.type !== "thought") return undefined;
  return update.text.trimEnd().split("\n").findLast((line) => line.trim() !== "");
}

function usageLine(update: CodingProgress): string | undefined {
  if (update.type !== "usage") return undefined;
  const { context_tokens: tokens, cost } = update;
  if (cost !== undefined) return `Cost so far: ${cost.amount.toFixed(2)} ${cost.currency}`;
  return tokens === undefined ? undefined : `${tokens} tokens in the context`;
}

function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  const line = text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").trim();
  return shortened(line, MAX_LINE_CHARACTERS);
}

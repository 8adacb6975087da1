/**
 * Answers an agent's requests for permission, and keeps what was decided.
 *
 * An answer is never an "always" option: the agent would ask no more, and nobody would know what it
 * does. If it offers no way to allow once, the answer is no, and a notice says so.
 *
 * @module
 */
import type {
  PermissionOption,
  RequestPermissionOutcome,
  RequestPermissionRequest,
  RequestPermissionResponse,
} from "@agentclientprotocol/sdk/unstable";
import { messageOf } from "@ourocodus/protocol";
import type { PermissionPolicy, Verdict } from "./permission_policy.ts";
import { type PermissionQuestion, permissionQuestion } from "./permission_question.ts";
import type { PermissionDecision } from "./progress.ts";
import { shortened } from "./shortened.ts";
import { relativeTo } from "./tool_calls.ts";
import type { TurnRecord } from "./turn_record.ts";

/**
 * Decides a question. The policy is one that answers at once; asking a person is another, which may
 * take as long as it needs until the signal.
 */
export type Decide = (question: PermissionQuestion, signal: AbortSignal) => Promise<Verdict>;

/** A policy as a {@linkcode Decide}. */
export function decideBy(policy: PermissionPolicy, root: string): Decide {
  return (question) => Promise.resolve(policy.decide(question, root));
}

/** What {@linkcode Permissions} needs. */
export interface PermissionsOptions {
  readonly decide: Decide;
  readonly record: TurnRecord;
  /** The worktree, absolute. */
  readonly root: string;
  /** Whether the title of a request is the whole command (gemini); false by default. */
  readonly commandIsTitle?: boolean;
  /** A decision was made. */
  readonly decided: (decision: PermissionDecision) => void;
}

const MAX_DECISIONS = 200;
const MAX_TITLE_CHARACTERS = 500;
const MAX_COMMAND_CHARACTERS = 1_000;
const MAX_PATHS = 20;

/** Decides on requests for permission, and remembers the decisions. */
export class Permissions {
  readonly #options: PermissionsOptions;
  readonly #decisions: PermissionDecision[] = [];
  #leftOut = 0;
  #deniedInPrompt: PermissionDecision[] = [];

  constructor(options: PermissionsOptions) {
    this.#options = options;
  }

  /** The first 200 decisions of the work item, for its result. */
  get decisions(): readonly PermissionDecision[] {
    return this.#decisions;
  }

  /** How many decisions came after those. */
  get leftOut(): number {
    return this.#leftOut;
  }

  /** What was denied since the present prompt was sent. */
  get denied(): readonly PermissionDecision[] {
    return this.#deniedInPrompt;
  }

  /** A prompt is sent. */
  promptSent(): void {
    this.#deniedInPrompt = [];
  }

  /** Answers a request. @param signal Aborted when the turn is: then `cancelled` is the answer. */
  async answer(
    request: RequestPermissionRequest,
    signal: AbortSignal,
  ): Promise<RequestPermissionResponse> {
    if (signal.aborted || typeof request.toolCall?.toolCallId !== "string") return CANCELLED;
    const { record, root, decide, commandIsTitle = false } = this.#options;
    const known = record.tool(request.toolCall.toolCallId);
    const question = permissionQuestion(request.toolCall, known, commandIsTitle);
    record.toolCall(request.toolCall);
    const verdict = await verdictOf(decide, question, signal);
    if (signal.aborted) return CANCELLED;
    const answer = answerFor(verdict, request.options);
    if (answer.notice !== undefined) record.notice(answer.notice);
    this.#keep(decisionOf(question, answer.verdict, root));
    return { outcome: answer.outcome };
  }

  #keep(decision: PermissionDecision): void {
    if (this.#decisions.length < MAX_DECISIONS) this.#decisions.push(decision);
    else this.#leftOut++;
    if (decision.answer === "deny" && this.#deniedInPrompt.length < MAX_DECISIONS) {
      this.#deniedInPrompt.push(decision);
    }
    this.#options.decided(decision);
  }
}

const CANCELLED: RequestPermissionResponse = { outcome: { outcome: "cancelled" } };

/**
 * Turns a verdict into one of the options that an agent offers, never into an "always".
 *
 * @returns The outcome; the verdict that it stands for, which is a no where nothing allows once;
 * and what a person should know about that.
 */
export function answerFor(
  verdict: Verdict,
  options: readonly PermissionOption[],
): { outcome: RequestPermissionOutcome; verdict: Verdict; notice?: string } {
  const once = (kind: string) => options.find((option) => option.kind === kind)?.optionId;
  const selected = (optionId: string): RequestPermissionOutcome => ({
    outcome: "selected",
    optionId,
    _meta: { ourocodus: { rule: verdict.rule, why: verdict.why } },
  });
  const allowed = verdict.answer === "allow" ? once("allow_once") : undefined;
  if (allowed !== undefined) return { outcome: selected(allowed), verdict };
  const rejected = once("reject_once");
  const outcome = rejected === undefined ? CANCELLED.outcome : selected(rejected);
  if (verdict.answer === "deny") return { outcome, verdict };
  const offers = options.map(({ kind }) => kind).join(", ") || "nothing";
  const why = `the agent offers no way to allow it once, only ${offers}`.slice(0, 300);
  return {
    outcome,
    verdict: { answer: "deny", rule: verdict.rule, why },
    notice: `Denied what a rule allows: ${why}`,
  };
}

/** A decider that fails has not allowed anything. */
async function verdictOf(
  decide: Decide,
  question: PermissionQuestion,
  signal: AbortSignal,
): Promise<Verdict> {
  try {
    return await decide(question, signal);
  } catch (error) {
    const why = `nobody could decide: ${messageOf(error)}`;
    return { answer: "deny", rule: "failed", why };
  }
}

function decisionOf(
  { tool, kind, title, command, paths }: PermissionQuestion,
  verdict: Verdict,
  root: string,
): PermissionDecision {
  const shown = typeof command === "string" ? command : command?.join(" ");
  const places = [...new Set(paths.map((path) => shortened(relativeTo(root, path), 1_000)))];
  return {
    tool: shortened(tool, 200),
    kind,
    title: shortened(title, MAX_TITLE_CHARACTERS),
    ...(shown !== undefined && { command: shortened(shown, MAX_COMMAND_CHARACTERS) }),
    ...(places.length > 0 && { paths: places.slice(0, MAX_PATHS) }),
    ...verdict,
  };
}

/**
 * What the end of a turn means for its work item. The first row that holds decides.
 *
 * | the turn                                                        | outcome                         |
 * | --------------------------------------------------------------- | ------------------------------- |
 * | was cancelled because nobody wants its result                   | none: aborted                   |
 * | was cancelled because a limit is over                           | error `limit_exceeded`          |
 * | the agent is missing, refuses to start or never answers         | retry in 10 s, `not_accepted` |
 * | the process or its connection ended                             | retry in 1 s, `agent_closed`    |
 * | the mode that the permissions need is not there                 | error `no_mode`, agent suspended |
 * | failed: the model refused, or its answer got too long            | error `refused`, `max_tokens`   |
 * | failed: login, key, right (-32000, 401, 402, 403, `access`)     | error `agent_auth`, agent suspended |
 * | failed: a limit that only a new session lifts                   | error `limit_exceeded`          |
 * | failed: rate or usage limit (429, `limit`)                      | retry when the provider says, else in 60 s, `limited` |
 * | failed: the provider or the way to it (5xx, `service`, `connection`) | retry in 10 s, `service`   |
 * | failed in any other way                                         | error `agent_failed`            |
 * | `cancelled` by the agent after a permission was denied          | error `permission_denied`       |
 * | `cancelled` by the agent else                                   | retry in 1 s, `agent_cancelled` |
 * | `refusal`, `max_tokens`, `max_turn_requests`                    | error `refused`, `max_tokens`, `max_turn_requests` |
 * | `end_turn`, nothing said after a permission was denied          | error `permission_denied`       |
 * | `end_turn`, nothing said and no tool called                     | error `empty_answer`            |
 * | `end_turn`, and all that it said is a provider's error          | as that failure                 |
 * | `end_turn`                                                      | result                          |
 * | any other stop reason                                           | error `agent_failed`            |
 *
 * @module
 */
import type { ExceededLimit } from "./limits.ts";
import type { PermissionDecision } from "./progress.ts";
import { classOf, type ErrorClass, type ErrorFacts, retryDelayMs } from "./provider_error.ts";
import type { SessionFailure } from "../acp/session_failure.ts";

/** What becomes of the work item. */
export type TurnOutcome =
  | { readonly kind: "result" }
  | {
    readonly kind: "error";
    readonly code: OutcomeCode;
    readonly message: string;
    readonly details: Readonly<Record<string, unknown>>;
    /** The agent can do no work until somebody acts: it takes none until its check passes again. */
    readonly suspendsAgent?: true;
  }
  | {
    readonly kind: "retry";
    readonly delayMs: number;
    readonly reason: RetryReason;
    readonly message: string;
  }
  | { readonly kind: "aborted" };

/** Codes of error results that end a turn. */
export type OutcomeCode =
  | "agent_auth"
  | "agent_failed"
  | "empty_answer"
  | "limit_exceeded"
  | "max_tokens"
  | "max_turn_requests"
  | "no_mode"
  | "permission_denied"
  | "refused";

/** Why work is released. */
export type RetryReason =
  | "agent_cancelled"
  | "agent_closed"
  | "limited"
  | "not_accepted"
  | "service";

/** Those that are charged to the work item: with others the agent could not really work. */
export const CHARGED: readonly RetryReason[] = ["agent_cancelled", "agent_closed"];

/** An answer to a prompt. */
export interface PromptEnd {
  readonly stopReason: string;
  readonly failure?: SessionFailure;
  readonly usage?: unknown;
  readonly meta?: unknown;
}

/** A prompt, or a start, without an answer: the adapter's error. */
export interface PromptFault {
  /** `closed`, `no_answer`, `start_failed`, `auth_required`, `no_mode`, `line_too_long`, `request_failed`. */
  readonly code: string;
  readonly message: string;
  /** The end of what the process wrote on standard error. */
  readonly stderr?: string;
  readonly rpc?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

/** What else is known of the turn. */
export interface TurnFacts {
  /** The agent's name, for messages. */
  readonly agent: string;
  /** The turn was cancelled because its result is not wanted any more. */
  readonly isAborted?: boolean;
  /** The turn was cancelled because of this. */
  readonly exceeded?: ExceededLimit;
  /** All that the agent said as its answer. */
  readonly text?: string;
  /** Whether it said anything after its last tool call. */
  readonly isAnswered?: boolean;
  /** How many tools it called. */
  readonly toolsOfPrompt?: number;
  /** What it was denied. */
  readonly denied?: readonly PermissionDecision[];
  /** A failure of severity `error` that an update told. */
  readonly failure?: SessionFailure;
  /** How to log in, ending in a command to paste. */
  readonly login?: string;
  /** The time of day, in milliseconds, for providers that name a moment. */
  readonly wallMs?: number;
}

const SOON_MS = 1_000;
const LATER_MS = 10_000;
/** The last paragraph of what codex (without the failure extension) says if its provider fails. */
const ERROR_TEXT =
  /^(?:unexpected status \d{3}|exceeded retry limit, last status: \d{3}|stream disconnected before completion|API Error: |\{"error":|We’re currently experiencing high demand)/;

/** Refusals, and answers that got too long, which adapters tell as failures of the provider. */
const UNFINISHED: ReadonlyArray<readonly [OutcomeCode, RegExp]> = [
  ["refused", /incomplete response returned, reason: content_filter/i],
  ["max_tokens", /incomplete response returned, reason: max_output_tokens/i],
  ["max_tokens", /exceeded the \d+ output token maximum/i],
];

/** Says what the end of a turn means, by the table above. */
export function outcomeOf(end: PromptEnd | PromptFault, facts: TurnFacts): TurnOutcome {
  if (facts.isAborted) return { kind: "aborted" };
  if (facts.exceeded !== undefined) {
    const { message, ...details } = facts.exceeded;
    return error("limit_exceeded", `The work was ended: ${message}`, details);
  }
  return "stopReason" in end ? outcomeOfEnd(end, facts) : outcomeOfFault(end, facts);
}

function outcomeOfFault(fault: PromptFault, facts: TurnFacts): TurnOutcome {
  const { code, message, rpc, stderr = "" } = fault;
  switch (code) {
    case "closed":
    case "line_too_long":
      return retry("agent_closed", SOON_MS, message);
    case "no_answer":
    case "start_failed":
      return retry("not_accepted", LATER_MS, message);
    case "no_mode":
      return { ...error("no_mode", message), suspendsAgent: true };
    case "auth_required":
      return { ...error("agent_auth", message, provider(rpc?.message)), suspendsAgent: true };
    default: {
      const texts = [rpc?.message ?? message];
      if (/connection closed/i.test(texts[0] ?? "")) return retry("agent_closed", SOON_MS, message);
      const said = { code: rpc?.code, texts, data: rpc?.data };
      return outcomeOfError(classOf(said), said, facts, stderr);
    }
  }
}

function outcomeOfEnd(end: PromptEnd, facts: TurnFacts): TurnOutcome {
  const isAnswered = facts.isAnswered === true;
  const didEnd = end.stopReason === "end_turn";
  const failure = end.failure ?? (isAnswered && didEnd ? undefined : facts.failure);
  if (failure?.severity === "error") return outcomeOfFailure(failure, end, facts);
  const denied = facts.denied ?? [];
  switch (end.stopReason) {
    case "end_turn":
      if (!isAnswered && denied.length > 0) return permissionDenied(denied, facts);
      if (!isAnswered && (facts.toolsOfPrompt ?? 0) === 0) {
        return error("empty_answer", `${facts.agent} said nothing and did nothing`);
      }
      return errorAsText(end, facts) ?? { kind: "result" };
    case "cancelled":
      if (denied.length > 0) return permissionDenied(denied, facts);
      return retry("agent_cancelled", SOON_MS, `${facts.agent} cancelled the turn by itself`);
    case "refusal":
      return error("refused", `${facts.agent} refused to go on`);
    case "max_tokens":
      return error("max_tokens", `${facts.agent} reached its model's limit of tokens`);
    case "max_turn_requests":
      return error("max_turn_requests", `${facts.agent} reached its limit of requests in one turn`);
    default: {
      const reason = String(end.stopReason).slice(0, 100);
      return error("agent_failed", `${facts.agent} stopped for an unknown reason: "${reason}"`);
    }
  }
}

function outcomeOfFailure(
  { category, title, details, actions }: SessionFailure,
  end: PromptEnd,
  facts: TurnFacts,
): TurnOutcome {
  const said = { texts: [title, ...(details === undefined ? [] : [details])], data: end.meta };
  const unfinished = UNFINISHED.find(([, text]) => said.texts.some((one) => text.test(one)));
  if (unfinished !== undefined) {
    return error(unfinished[0], `${facts.agent} did not finish its answer: ${title}`, { category });
  }
  switch (category) {
    case "limit":
      if (!actions.includes("retry") && actions.includes("new_session")) {
        return error("limit_exceeded", `${facts.agent} ended the work: ${title}`, { category });
      }
      return outcomeOfError("limit", said, facts);
    case "access":
      return outcomeOfError("access", said, facts);
    case "service":
    case "connection": {
      // Both adapters call a request that is refused with 400 so, too.
      const isRefused = classOf({ texts: said.texts }) === "request";
      return outcomeOfError(isRefused ? "request" : "service", said, facts);
    }
    case "request":
      return outcomeOfError("request", said, facts);
    default:
      return outcomeOfError(classOf({ texts: said.texts }), said, facts);
  }
}

function outcomeOfError(
  errorClass: ErrorClass,
  said: ErrorFacts,
  facts: TurnFacts,
  stderr = "",
): TurnOutcome {
  const text = (said.texts.find((one) => one !== "") ?? "no reason").slice(0, 1_000).toWellFormed();
  const { agent } = facts;
  switch (errorClass) {
    case "limit": {
      const delayMs = retryDelayMs(said, facts.wallMs);
      return retry("limited", delayMs, `${agent} is limited by its provider: ${text}`);
    }
    case "access": {
      const next = facts.login === undefined ? "" : `; ${facts.login}`;
      const message = `${agent} has no access to its model: ${text}${next}`;
      return { ...error("agent_auth", message, provider(text)), suspendsAgent: true };
    }
    case "service":
      return retry("service", LATER_MS, `${agent} cannot reach its model: ${text}`);
    case "request":
    case "unknown": {
      const tail = stderr === "" ? {} : { stderr: stderr.slice(-2_000).toWellFormed() };
      return error("agent_failed", `${agent} failed: ${text}`, { ...provider(text), ...tail });
    }
  }
}

/** An agent that does not know the failure extension gives its provider's error as its answer. */
function errorAsText(end: PromptEnd, facts: TurnFacts): TurnOutcome | undefined {
  const wasUsed = end.usage !== undefined && end.usage !== null;
  const text = (facts.text ?? "").trim().split(/\n\s*\n/).at(-1) ?? "";
  if (wasUsed || (facts.toolsOfPrompt ?? 0) > 0) return undefined;
  if (text.length > 2_000 || !ERROR_TEXT.test(text)) return undefined;
  const said = { texts: [text] };
  return outcomeOfError(classOf(said), said, facts);
}

function permissionDenied(denied: readonly PermissionDecision[], facts: TurnFacts): TurnOutcome {
  const last = denied.at(-1);
  const title = last?.command ?? last?.title ?? "";
  return error(
    "permission_denied",
    `${facts.agent} gave up when it was denied "${
      title.slice(0, 200).toWellFormed()
    }": ${last?.why}`,
    { denied: denied.slice(-20) },
  );
}

function provider(text: string | undefined): Record<string, unknown> {
  return text === undefined ? {} : { provider_message: text.slice(0, 2_000).toWellFormed() };
}

function error(
  code: OutcomeCode,
  message: string,
  details: Readonly<Record<string, unknown>> = {},
): Extract<TurnOutcome, { kind: "error" }> {
  return { kind: "error", code, message, details };
}

function retry(reason: RetryReason, delayMs: number, message: string): TurnOutcome {
  return { kind: "retry", delayMs, reason, message };
}

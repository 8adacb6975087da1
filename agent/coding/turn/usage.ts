/**
 * What a work item has used, as far as its agent says it. Unknown is never zero: what an agent does
 * not report is left out.
 *
 * | agent    | tokens                                       | cost                           |
 * | -------- | -------------------------------------------- | ------------------------------ |
 * | claude   | `usage` of each answer to a prompt           | `usage_update`, of the session |
 * | codex    | `usage` of each answer to a prompt           | none                           |
 * | gemini   | `_meta.quota.token_count` of each answer     | none                           |
 * | opencode | `usage`, but of a prompt's last request only | `usage_update`, of the session |
 *
 * @module
 */
import type { Usage, UsageUpdate } from "@agentclientprotocol/sdk/unstable";
import { isObject } from "@ourocodus/protocol";
import type { TokenUsage } from "../../gateway/mod.ts";
import type { Cost, UsageProgress } from "./progress.ts";

/** What a work item has used; part of its result. */
export interface WorkUsage {
  /** Tokens that the model read, those from its cache included. */
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  /** Of the input, tokens that came from the model's cache. */
  readonly cached_tokens?: number;
  /** Of the whole conversation, earlier attempts that it goes on from included. */
  readonly cost?: Cost;
}

/** An agent's answer to a prompt, as far as it is about usage. */
export interface PromptUsage {
  readonly usage?: Usage | null;
  readonly meta?: Readonly<Record<string, unknown>> | null;
}

interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cached?: number;
}

/** Adds up tokens and cost over a conversation's prompts. */
export class UsageSum {
  #tokens: Tokens | undefined;
  /** A prompt's tokens are not known, so that no sum is. */
  #isIncomplete = false;
  #cost: Cost | undefined;
  #model: string | undefined;

  /** The model that did most, if the agent says so. */
  get model(): string | undefined {
    return this.#model;
  }

  get usage(): WorkUsage {
    const tokens = this.#isIncomplete ? undefined : this.#tokens;
    return {
      ...(tokens !== undefined && { input_tokens: tokens.input, output_tokens: tokens.output }),
      ...(tokens?.cached !== undefined && { cached_tokens: tokens.cached }),
      ...(this.#cost !== undefined && { cost: this.#cost }),
    };
  }

  /** Takes an update. @returns Progress, if there is something to tell. */
  update(said: UsageUpdate): UsageProgress | undefined {
    const model = said._meta?.["_claude/model"];
    if (typeof model === "string") this.#model = model.slice(0, 200);
    this.#cost = costOf(said.cost) ?? this.#cost;
    const progress: UsageProgress = {
      type: "usage",
      ...(isCount(said.used) && { context_tokens: said.used }),
      ...(isCount(said.size) && said.size > 0 && { context_size: said.size }),
      ...(this.#cost !== undefined && { cost: this.#cost }),
    };
    return Object.keys(progress).length > 1 ? progress : undefined;
  }

  /** Takes the end of a prompt. @param isPartial The agent tells of its last request only. */
  promptEnded(said: PromptUsage, isPartial: boolean): void {
    const quota = record(said.meta?.quota);
    this.#model = modelOf(quota) ?? this.#model;
    const tokens = tokensOfUsage(said.usage) ?? tokensOfQuota(record(quota.token_count));
    if (tokens === undefined || isPartial) {
      this.#isIncomplete = true;
      return;
    }
    const before = this.#tokens;
    const cached = before === undefined ? tokens.cached : sum(before.cached, tokens.cached);
    this.#tokens = {
      input: (before?.input ?? 0) + tokens.input,
      output: (before?.output ?? 0) + tokens.output,
      ...(cached !== undefined && { cached }),
    };
  }
}

function tokensOfUsage(usage: Usage | null | undefined): Tokens | undefined {
  if (usage === null || usage === undefined) return undefined;
  const { inputTokens: input, outputTokens: output, totalTokens: total } = usage;
  if (!isCount(input) || !isCount(output) || input + output === 0) return undefined;
  const cached = isCount(usage.cachedReadTokens) ? usage.cachedReadTokens : undefined;
  const written = isCount(usage.cachedWriteTokens) ? usage.cachedWriteTokens : 0;
  // Some count cached tokens as input (codex), some apart from it (claude): the total tells.
  const isBeside = isCount(total) && total >= input + output + (cached ?? 0) + written;
  return {
    input: isBeside ? input + (cached ?? 0) + written : input,
    output,
    ...(cached !== undefined && { cached }),
  };
}

function tokensOfQuota(count: Readonly<Record<string, unknown>>): Tokens | undefined {
  const { input_tokens: input, output_tokens: output } = count;
  if (!isCount(input) || !isCount(output) || input + output === 0) return undefined;
  return { input, output };
}

/** The model with the most tokens; `auto` (gemini) is no model. */
function modelOf(quota: Readonly<Record<string, unknown>>): string | undefined {
  const entries = Array.isArray(quota.model_usage) ? quota.model_usage.slice(0, 100) : [];
  const models = entries.map(record).flatMap(({ model, token_count }) => {
    if (typeof model !== "string" || model === "auto" || model === "") return [];
    const counts = Object.values(record(token_count)).filter(isCount);
    return [{ model: model.slice(0, 200), tokens: Math.max(0, ...counts) }];
  });
  return models.toSorted((a, b) => b.tokens - a.tokens)[0]?.model;
}

function costOf(cost: unknown): Cost | undefined {
  const { amount, currency } = record(cost);
  if (typeof amount !== "number" || !Number.isFinite(amount) || amount < 0) return undefined;
  if (typeof currency !== "string" || !/^[A-Z]{3}$/.test(currency)) return undefined;
  return { amount: Math.round(amount * 1e6) / 1e6, currency };
}

/**
 * What an agent says that it has used, and for tokens that it does not tell, what the gateway has
 * counted: all of them from one source.
 *
 * @param counted Of the same attempt; undefined if it is not known.
 */
export function countedUsage(said: WorkUsage, counted: TokenUsage | undefined): WorkUsage {
  const { input_tokens, output_tokens, cached_tokens, cost } = said;
  const isTold = [input_tokens, output_tokens, cached_tokens].every((told) => told !== undefined);
  if (isTold || counted === undefined) return said;
  return {
    input_tokens: counted.input,
    output_tokens: counted.output,
    ...(counted.cached !== undefined && { cached_tokens: counted.cached }),
    ...(cost !== undefined && { cost }),
  };
}

/** Two usages together: of what one of them does not know, the other's. */
export function addUsage(a: WorkUsage, b: WorkUsage): WorkUsage {
  const either = (x: number | undefined, y: number | undefined) =>
    x === undefined ? y : x + (y ?? 0);
  const entries = (["input_tokens", "output_tokens", "cached_tokens"] as const).flatMap((name) => {
    const value = either(a[name], b[name]);
    return value === undefined ? [] : [[name, value]];
  });
  const cost = a.cost === undefined || b.cost === undefined || a.cost.currency !== b.cost.currency
    ? b.cost ?? a.cost
    : { ...b.cost, amount: a.cost.amount + b.cost.amount };
  return { ...Object.fromEntries(entries), ...(cost !== undefined && { cost }) };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? value : {};
}

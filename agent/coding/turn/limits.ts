/**
 * How much one work item may use. The agent's flags set it, `payload.limits` may only lower it.
 *
 * Cost and tokens are known only after the fact: a limit ends the work, it is no promise that
 * nothing more was spent. Unknown is never zero: a limit on what an agent does not report holds
 * nothing, and a notice says so.
 *
 * @module
 */
import { parseDurationMs } from "@ourocodus/protocol";
import { WorkError } from "../../errors.ts";
import { shown } from "./shortened.ts";
import type { WorkUsage } from "./usage.ts";

/** What may be limited; left out is without a limit. */
export interface WorkLimits {
  /** Time from the prompt to the end of the work, checks included. */
  readonly maxDurationMs?: number;
  /** In the currency in which the agent counts. */
  readonly maxCost?: number;
  /** Tokens in and out together, those from a cache included. */
  readonly maxTokens?: number;
  /** Tool calls of the work item: an agent takes a turn for each, or for several. */
  readonly maxTurns?: number;
}

/** What a work item has used so far. */
export interface LimitFacts {
  readonly durationMs: number;
  readonly usage: WorkUsage;
  /** Its tool calls. */
  readonly turns: number;
}

/** The limit that is over. */
export interface ExceededLimit {
  /** As in `payload.limits`. */
  readonly limit: "max_duration_ms" | "max_cost" | "max_tokens" | "max_turns" | "gateway_budget";
  readonly value: number;
  readonly max: number;
  /** For people, such as `it took 61 s, limit is 60 s`. */
  readonly message: string;
}

const DAY_MS = 86_400_000;
const MAX_DURATION_MS = 24 * DAY_MS;
const FIELDS = ["max_duration_ms", "max_duration", "max_cost", "max_tokens", "max_turns"];

/** The limits of one work item. */
export class Limits {
  readonly limits: WorkLimits;

  private constructor(limits: WorkLimits) {
    this.limits = limits;
  }

  /**
   * The limits of a work item.
   *
   * @param own The agent's.
   * @param asked `payload.limits`.
   * @throws {WorkError} `invalid_limits`: the value, and what is allowed.
   */
  static of(own: WorkLimits, asked: unknown): Limits {
    if (asked === undefined || asked === null) return new Limits(own);
    if (typeof asked !== "object" || Array.isArray(asked)) {
      throw invalid("limits", asked, `an object with ${FIELDS.join(", ")}`);
    }
    const given = asked as Record<string, unknown>;
    const unknown = Object.keys(given).find((field) => !FIELDS.includes(field));
    if (unknown !== undefined) throw invalid("limits", unknown, FIELDS.join(", "));
    return new Limits({
      ...lowered("maxDurationMs", own, durationOf(given), "limits.max_duration_ms"),
      ...lowered("maxCost", own, cost(given.max_cost), "limits.max_cost"),
      ...lowered("maxTokens", own, count(given, "max_tokens"), "limits.max_tokens"),
      ...lowered("maxTurns", own, count(given, "max_turns"), "limits.max_turns"),
    });
  }

  /** The limit that is over, if one is. */
  exceeded({ durationMs, usage, turns }: LimitFacts): ExceededLimit | undefined {
    const { maxDurationMs, maxCost, maxTokens, maxTurns } = this.limits;
    if (maxDurationMs !== undefined && durationMs >= maxDurationMs) {
      return over(
        "max_duration_ms",
        durationMs,
        maxDurationMs,
        "it took",
        (ms) => `${ms / 1_000} s`,
      );
    }
    const { cost, input_tokens: input, output_tokens: output } = usage;
    if (maxCost !== undefined && cost !== undefined && cost.amount > maxCost) {
      return over("max_cost", cost.amount, maxCost, "it cost", (sum) => `${sum} ${cost.currency}`);
    }
    if (maxTokens !== undefined && input !== undefined && output !== undefined) {
      const tokens = input + output;
      if (tokens > maxTokens) {
        return over("max_tokens", tokens, maxTokens, "it used", (sum) => `${sum} tokens`);
      }
    }
    if (maxTurns !== undefined && turns > maxTurns) {
      return over("max_turns", turns, maxTurns, "it made", (sum) => `${sum} tool calls`);
    }
    return undefined;
  }

  /** What to tell once a prompt has ended and the agent has not said what a limit is about. */
  unreported({ cost, input_tokens: input }: WorkUsage): string | undefined {
    const { maxCost, maxTokens } = this.limits;
    const names = [
      ...(maxCost !== undefined && cost === undefined ? ["max_cost"] : []),
      ...(maxTokens !== undefined && input === undefined ? ["max_tokens"] : []),
    ];
    if (names.length === 0) return undefined;
    return `The limit ${names.join(" and ")} holds nothing: the agent does not report it`;
  }
}

function over(
  limit: ExceededLimit["limit"],
  value: number,
  max: number,
  verb: string,
  text: (value: number) => string,
): ExceededLimit {
  return { limit, value, max, message: `${verb} ${text(value)}, limit is ${text(max)}` };
}

function lowered<Name extends keyof WorkLimits>(
  name: Name,
  own: WorkLimits,
  asked: number | undefined,
  field: string,
): { [key in Name]?: number } {
  const limit = own[name];
  if (asked !== undefined && limit !== undefined && asked > limit) {
    throw invalid(field, asked, `at most ${limit}: it can only be lowered`);
  }
  const value = asked ?? limit;
  return (value === undefined ? {} : { [name]: value }) as { [key in Name]?: number };
}

function durationOf(given: Record<string, unknown>): number | undefined {
  const { max_duration_ms: ms, max_duration: text } = given;
  if (ms !== undefined && text !== undefined) {
    throw invalid("limits.max_duration", text, "only one of max_duration and max_duration_ms");
  }
  const name = ms === undefined ? "max_duration" : "max_duration_ms";
  const value = ms ?? text;
  if (value === undefined) return undefined;
  const parsed = name === "max_duration" && typeof value === "string"
    ? parseDurationMs(value)
    : name === "max_duration_ms"
    ? value
    : undefined;
  if (typeof parsed === "number" && parsed >= 1 && parsed <= MAX_DURATION_MS) return parsed;
  const allowed = name === "max_duration" ? "a duration like 30s or 10m" : "milliseconds";
  throw invalid(`limits.${name}`, value, `${allowed}, from 1 ms to 24 days`);
}

function cost(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw invalid("limits.max_cost", value, "a number above 0");
}

function count(given: Record<string, unknown>, name: string): number | undefined {
  const value = given[name];
  if (value === undefined) return undefined;
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw invalid(`limits.${name}`, value, "a whole number from 1");
}

function invalid(field: string, value: unknown, allowed: string): WorkError {
  return new WorkError(
    "invalid_limits",
    `Cannot use payload.${field}: it is ${shown(value)}, allowed is ${allowed}`,
    { details: { field: `payload.${field}` } },
  );
}

/**
 * What an error of a model's provider means, read from whatever an agent hands on of it: a status, a
 * text, JSON within a text. Agents differ, and none of this is specified; what is not recognised is
 * `unknown`.
 *
 * @module
 */

/** What an error means. */
export type ErrorClass =
  /** Too many requests, or a quota is used up: it passes. */
  | "limit"
  /** No login, a wrong key, no right. */
  | "access"
  /** The provider, or the way to it, is out of order: it passes. */
  | "service"
  /** The request itself is wrong: trying again ends the same way. */
  | "request"
  | "unknown";

/** An error of an agent, as far as it is known. */
export interface ErrorFacts {
  /** A JSON-RPC code, or an HTTP status in its place (gemini). */
  readonly code?: number;
  readonly texts: readonly string[];
  /** Anything else that came with it. */
  readonly data?: unknown;
}

const MAX_TEXT = 4_000;
const MIN_DELAY_MS = 1_000;
const DEFAULT_DELAY_MS = 60_000;
const MAX_DELAY_MS = 86_400_000;
const AUTH_REQUIRED = -32000;

const STATUS =
  /(?:status|error|code|http|rejected|request)["']?[\s:=('"]{0,4}(?:code["':\s]*)?\b([45]\d\d)\b/i;
const WORDS: ReadonlyArray<readonly [ErrorClass, RegExp]> = [
  ["limit", /rate.?limit|too many requests|quota|usage limit|resource.?exhausted/i],
  [
    "access",
    /unauthori[sz]ed|authenticat|(?:invalid|incorrect) (?:api|x-api).?key|api key not valid|permission.?denied|forbidden|not logged in|please (?:run )?\/?log.?in|credit balance/i,
  ],
  [
    "service",
    /overloaded|high demand|service unavailable|internal server error|bad gateway|gateway time.?out|server.?error|stream disconnected|terminated|fetch failed|econn|etimedout|enotfound|socket hang up|network error|connection (?:error|reset|refused)/i,
  ],
];

/** What an error means. */
export function classOf({ code, texts, data }: ErrorFacts): ErrorClass {
  if (code === AUTH_REQUIRED) return "access";
  const all = [...texts, ...textsIn(data)].map((text) => text.slice(0, MAX_TEXT));
  const status = code !== undefined && code >= 400 && code <= 599
    ? code
    : all.map((text) => STATUS.exec(text)?.[1]).find((found) => found !== undefined);
  if (status !== undefined) return classOfStatus(Number(status));
  return WORDS.find(([, words]) => all.some((text) => words.test(text)))?.[0] ?? "unknown";
}

function classOfStatus(status: number): ErrorClass {
  if (status === 429) return "limit";
  if (status === 401 || status === 402 || status === 403) return "access";
  if (status === 408 || status >= 500) return "service";
  return "request";
}

/**
 * When a limited request may be sent again: what the provider says, else in 60 seconds; at least a
 * second, at most a day.
 *
 * @param wallMs The time of day, for providers that name a moment; without it those are not read.
 */
export function retryDelayMs({ texts, data }: ErrorFacts, wallMs?: number): number {
  const all = [...texts, ...textsIn(data)].map((text) => text.slice(0, MAX_TEXT));
  const found = delayInData(data, wallMs, 0) ??
    all.map((text) => delayInJson(text, wallMs) ?? delayInText(text, wallMs)).find((ms) =>
      ms !== undefined
    );
  return Math.min(Math.max(Math.round(found ?? DEFAULT_DELAY_MS), MIN_DELAY_MS), MAX_DELAY_MS);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const AMOUNT =
  /(\d{1,9}(?:\.\d{1,9})?)\s*(ms|milliseconds?|sec[a-z]*|min[a-z]*|hours?|days?|s|m|h|d)(?![a-z])/gi;
const ASKS_TO_WAIT =
  /(?:try(?:ing)? again|retry(?:ing)?|wait|resets?|available(?: again)?)[\s\w-]{0,20}?\b(?:in|after|for)?[:\s]{1,3}((?:\d{1,9}(?:\.\d{1,9})?\s*[a-z]{1,12}[\s,]*(?:and\s*)?){1,4})/i;
const RETRY_AFTER_HEADER =
  /retry[-_ ]after["']?[\s:=]{1,3}["']?(\d{1,9})(?!\d)(?!\.\d)(?!\s*(?:ms|mi|m|h|d))/i;
/** Claude's usage limit: `limit reached|1736035200`. */
const EPOCH = /\|(\d{10})\b/;

function delayInText(text: string, wallMs: number | undefined): number | undefined {
  const header = RETRY_AFTER_HEADER.exec(text)?.[1];
  if (header !== undefined) return Number(header) * 1_000;
  const epoch = EPOCH.exec(text)?.[1];
  if (epoch !== undefined && wallMs !== undefined) return Number(epoch) * 1_000 - wallMs;
  const phrase = ASKS_TO_WAIT.exec(text)?.[1];
  return phrase === undefined ? undefined : amountMs(phrase);
}

function amountMs(text: string): number | undefined {
  let sum: number | undefined;
  for (const [, number, unit = ""] of text.matchAll(AMOUNT)) {
    const short = /^(?:ms|milli)/i.test(unit) ? "ms" : unit.charAt(0).toLowerCase();
    sum = (sum ?? 0) + Number(number) * (UNIT_MS[short] ?? 1_000);
  }
  return sum;
}

/** A delay in fields such as `retryAfterMs`, `retry_after`, `retry-after`, `retryDelay: "34s"`. */
function delayInData(
  value: unknown,
  wallMs: number | undefined,
  depth: number,
): number | undefined {
  if (typeof value !== "object" || value === null || depth > 6) return undefined;
  const fields = Object.entries(value).slice(0, 100);
  for (const [name, field] of fields) {
    if (!/^retry[-_]?(?:after|delay|in)/i.test(name)) continue;
    const delay = delayOf(field, /ms$/i.test(name), wallMs);
    if (delay !== undefined) return delay;
  }
  for (const [, field] of fields) {
    const delay = delayInData(field, wallMs, depth + 1);
    if (delay !== undefined) return delay;
  }
  return undefined;
}

function delayOf(value: unknown, isMs: boolean, wallMs: number | undefined): number | undefined {
  if (typeof value === "number") {
    return Number.isFinite(value) && value >= 0 ? value * (isMs ? 1 : 1_000) : undefined;
  }
  if (typeof value !== "string" || value.length > 100) return undefined;
  if (/^\d{1,9}(?:\.\d{1,9})?$/.test(value)) return Number(value) * (isMs ? 1 : 1_000);
  const moment = /\d{4}/.test(value) ? Date.parse(value) : NaN;
  if (!Number.isNaN(moment)) return wallMs === undefined ? undefined : moment - wallMs;
  return amountMs(value);
}

/** Gemini hands on its provider's answer as JSON in a text. */
function delayInJson(text: string, wallMs: number | undefined): number | undefined {
  if (!text.includes("{")) return undefined;
  try {
    return delayInData(JSON.parse(text.slice(text.indexOf("{"))), wallMs, 0);
  } catch {
    return undefined;
  }
}

function textsIn(data: unknown, depth = 0): string[] {
  if (typeof data === "string") return [data];
  if (typeof data !== "object" || data === null || depth > 4) return [];
  return Object.values(data).slice(0, 50).flatMap((value) => textsIn(value, depth + 1)).slice(
    0,
    50,
  );
}

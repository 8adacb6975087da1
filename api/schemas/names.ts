/**
 * Parameters that many routes have.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { invalidId, invalidName, MAX_NAME_CHARACTERS, parseDurationMs } from "@ourocodus/protocol";
import { shown } from "../shown.ts";

const PATTERN = `^[A-Za-z0-9_-]{1,${MAX_NAME_CHARACTERS}}$`;

/** A session, a role or an agent's id. */
export function nameSchema(what: string): z.ZodType<string> {
  return z.string().superRefine((value, context) => {
    const wrong = invalidName(value);
    if (wrong !== undefined) context.addIssue({ code: "custom", message: `${what} ${wrong}` });
  }).openapi({ type: "string", pattern: PATTERN, example: what === "role" ? "writer" : "docs" });
}

/** A message's id. */
export const MessageIdSchema: z.ZodType<string> = z.string().superRefine((value, context) => {
  const wrong = invalidId(value);
  if (wrong !== undefined) context.addIssue({ code: "custom", message: wrong });
}).openapi({ type: "string", minLength: 1, maxLength: 128, example: "task-17" });

/** A sequence in a stream, as it stands in a path or a query. */
export function sequenceSchema(what: string): z.ZodType<number> {
  return z.string().transform((text, context) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= 1) return value;
    context.addIssue({
      code: "custom",
      message: `${what} is ${shown(text)}, it must be a whole number from 1`,
    });
    return z.NEVER;
  }).openapi({ type: "integer", minimum: 1, example: 17 });
}

/** How many items a page may have. */
export const LimitSchema: z.ZodType<number> = z.string().default("100").transform(
  (text, context) => {
    const value = /^\d{1,6}$/.test(text) ? Number(text) : NaN;
    if (value >= 1 && value <= 1_000) return value;
    context.addIssue({ code: "custom", message: `limit is ${shown(text)}, allowed is 1 to 1000` });
    return z.NEVER;
  },
).openapi({ type: "integer", minimum: 1, maximum: 1_000, default: 100 });

/** A switch in a query: `true` or `false`. */
export function flagSchema(what: string): z.ZodType<boolean> {
  return z.string().default("false").transform((text, context) => {
    if (text === "true" || text === "false") return text === "true";
    context.addIssue({
      code: "custom",
      message: `${what} is ${shown(text)}, allowed are true, false`,
    });
    return z.NEVER;
  }).openapi({ type: "boolean", default: false });
}

/**
 * A time (ISO 8601), or how long ago (`10m`).
 *
 * @returns Milliseconds since 1970, below 0 if it is before; undefined if it is neither.
 */
export function timeOrAgoMs(text: string): number | undefined {
  const agoMs = parseDurationMs(text);
  if (agoMs !== undefined) return Date.now() - agoMs;
  const timeMs = Date.parse(text);
  return /^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(timeMs) ? timeMs : undefined;
}

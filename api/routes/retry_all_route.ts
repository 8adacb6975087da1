/**
 * `POST /api/work/retry`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { FINISHED_STATES, type FinishedState } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { flagSchema, LimitSchema, nameSchema, timeOrAgoMs } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { RetriedListSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { shown } from "../shown.ts";
import { retriedAll } from "../work_retry.ts";

const ONE_STATE = `(${FINISHED_STATES.join("|")})`;

const StatesSchema: z.ZodType<readonly FinishedState[]> = z.string().transform((text, context) => {
  const states = text.split(",");
  const found = FINISHED_STATES.filter((state) => states.includes(state));
  if (states.every((state) => found.some((known) => known === state))) return found;
  context.addIssue({
    code: "custom",
    message: `state is ${shown(text)}, allowed are ${FINISHED_STATES.join(", ")}, with commas`,
  });
  return z.NEVER;
}).openapi({
  type: "string",
  pattern: `^${ONE_STATE}(,${ONE_STATE})*$`,
  description: "Which: failed, dead, cancelled, with commas",
  example: "failed,dead",
});

const SinceSchema: z.ZodType<Date> = z.string().transform((text, context) => {
  const timeMs = timeOrAgoMs(text);
  if (timeMs !== undefined && timeMs >= 0) return new Date(timeMs);
  context.addIssue({
    code: "custom",
    message: `since is ${shown(text)}, it must be a time like 2026-01-31T12:00:00Z or a duration ` +
      "like 10m",
  });
  return z.NEVER;
}).openapi({
  type: "string",
  description: "What ended at this time (ISO 8601) or later, or at most this long ago (1h)",
  example: "1h",
});

const ROUTE = createRoute({
  method: "post",
  path: "/api/work/retry",
  summary: "Retry all work that failed, died or was cancelled since a time",
  description: "Sends the work again, unchanged, as new work: oldest first, at most `limit` work " +
    "items. If `more` is true, the same request sends the next ones. Work that was sent again " +
    "before is left out, so nothing is sent twice.",
  tags: ["Work"],
  ...needs("send"),
  request: {
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
      state: StatesSchema,
      since: SinceSchema,
      limit: LimitSchema,
      dry_run: flagSchema("dry_run").openapi({ description: "Only tell what would be sent" }),
    }),
  },
  responses: {
    200: {
      description: "What was sent, and what could not be",
      content: { "application/json": { schema: RetriedListSchema } },
    },
    ...problems("invalid_request", "foreign_origin", "unprocessable", "unavailable"),
  },
});

/** Adds the route. */
export function retryAllRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { state: states, dry_run: dryRun, ...filter } = context.req.valid("query");
    return context.json(await retriedAll(parts, { ...filter, states }, { dryRun }), 200);
  });
}

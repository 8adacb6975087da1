/**
 * `GET /api/sessions`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { sessionSummaries, sessionSummary } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { LimitSchema, nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { SessionListSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions",
  ...needs("read"),
  summary: "All sessions",
  description: "Every session that has something in the streams, or an agent connected.",
  tags: ["Sessions"],
  request: {
    query: z.object({
      session: nameSchema("session").optional().openapi({ description: "This one alone" }),
      after: nameSchema("after").optional().openapi({ description: "Sessions after this name" }),
      limit: LimitSchema,
    }),
  },
  responses: {
    200: {
      description: "A page of them, sorted by name",
      content: { "application/json": { schema: SessionListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

/** Adds the route. */
export function sessionsRoute(app: ApiApp, { connection, counts }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, ...range } = context.req.valid("query");
    if (session !== undefined) {
      const summary = await sessionSummary(connection, session, { counts });
      return context.json({ sessions: summary === undefined ? [] : [summary], next: null }, 200);
    }
    const page = await sessionSummaries(connection, { ...range, counts });
    return context.json({ sessions: [...page.items], next: page.next }, 200);
  });
}

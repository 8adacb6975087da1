/**
 * `GET /api/sessions/{session}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { sessionSummary } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { SessionSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}",
  ...needs("read"),
  summary: "One session",
  tags: ["Sessions"],
  request: { params: z.object({ session: nameSchema("session") }) },
  responses: {
    200: {
      description: "The session",
      content: { "application/json": { schema: SessionSchema } },
    },
    ...problems("invalid_request", "not_found", "unavailable"),
  },
});

/** Adds the route. */
export function sessionRoute(app: ApiApp, { connection, counts }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session } = context.req.valid("param");
    const summary = await sessionSummary(connection, session, { counts });
    if (summary !== undefined) return context.json(summary, 200);
    const detail =
      `there is no session ${session}: nothing of it is stored, and no agent is connected`;
    throw new ProblemError("not_found", detail);
  });
}

/**
 * `GET /api/sessions/{session}/work`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { pendingWork } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { LimitSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { PendingWorkListSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}/work",
  ...needs("read"),
  summary: "Waiting and running work",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session") }),
    query: z.object({
      role: nameSchema("role").optional(),
      after: sequenceSchema("after").optional().openapi({
        description: "Work with a higher sequence in the work stream",
      }),
      limit: LimitSchema,
    }),
  },
  responses: {
    200: {
      description: "A page of it, oldest first",
      content: { "application/json": { schema: PendingWorkListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

/** Adds the route. */
export function pendingWorkRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session } = context.req.valid("param");
    const page = await pendingWork(connection, session, context.req.valid("query"));
    return context.json({ work: [...page.items], next: page.next }, 200);
  });
}

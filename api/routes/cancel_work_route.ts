/**
 * `DELETE /api/work/{id}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { MessageIdSchema, nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { CancelledWorkSchema, CancelReasonSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { unknownWork } from "../unknown_work.ts";
import { cancelled } from "../work_cancellation.ts";

const ROUTE = createRoute({
  method: "delete",
  path: "/api/work/{id}",
  summary: "Cancel a work item",
  description:
    "Its outcome is an error with the code `cancelled`. If it waits, it is removed from " +
    "the queue; if an agent runs it, the agent is told to stop. The answer says which. Of several with " +
    "one id, one that has no outcome yet is meant.",
  tags: ["Work"],
  ...needs("send"),
  request: {
    params: z.object({ id: MessageIdSchema }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
      reason: CancelReasonSchema,
    }),
  },
  responses: {
    200: {
      description: "It is cancelled",
      content: { "application/json": { schema: CancelledWorkSchema } },
    },
    ...problems(
      ...(["invalid_request", "foreign_origin", "not_found", "ambiguous"] as const),
      ...(["conflict", "unavailable"] as const),
    ),
  },
});

/** Adds the route. */
export function cancelWorkRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { id } = context.req.valid("param");
    const query = context.req.valid("query");
    const unknown = () => unknownWork(id, query);
    return context.json(await cancelled(parts, { id }, { ...query, unknown }), 200);
  });
}

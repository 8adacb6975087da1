/**
 * `DELETE /api/sessions/{session}/work/{sequence}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { CancelledWorkSchema, CancelReasonSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { unknownSequence } from "../unknown_work.ts";
import { cancelled } from "../work_cancellation.ts";

const ROUTE = createRoute({
  method: "delete",
  path: "/api/sessions/{session}/work/{sequence}",
  summary: "Cancel a work item, by its sequence",
  description: "See `DELETE /api/work/{id}`; a sequence always names one work item.",
  tags: ["Work"],
  ...needs("send"),
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
    query: z.object({ role: nameSchema("role").optional(), reason: CancelReasonSchema }),
  },
  responses: {
    200: {
      description: "It is cancelled",
      content: { "application/json": { schema: CancelledWorkSchema } },
    },
    ...problems("invalid_request", "foreign_origin", "not_found", "conflict", "unavailable"),
  },
});

/** Adds the route. */
export function cancelWorkBySequenceRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const options = { ...context.req.valid("query"), session };
    const unknown = () => unknownSequence(session, sequence);
    const receipt = await cancelled(parts, { workSequence: sequence }, { ...options, unknown });
    return context.json(receipt, 200);
  });
}

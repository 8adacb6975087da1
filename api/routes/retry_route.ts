/**
 * `POST /api/work/{id}/retry` and `POST /api/sessions/{session}/work/{sequence}/retry`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { flagSchema, MessageIdSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { RetriedWorkSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { unknownSequence, unknownWork } from "../unknown_work.ts";
import { workLocation } from "../work_location.ts";
import { retried } from "../work_retry.ts";

const again = flagSchema("again").openapi({ description: "Also if it was sent again before" });

const SHARED = {
  method: "post" as const,
  tags: ["Work"],
  ...needs("send"),
  responses: {
    202: {
      description: "It is stored, as a new work item",
      content: { "application/json": { schema: RetriedWorkSchema } },
    },
    ...problems(
      ...(["invalid_request", "foreign_origin", "not_found", "ambiguous"] as const),
      ...(["conflict", "unprocessable", "unavailable"] as const),
    ),
  },
};

const BY_ID = createRoute({
  ...SHARED,
  path: "/api/work/{id}/retry",
  summary: "Retry a work item",
  description: "Sends finished work again, unchanged, as new work with the same id. Of several " +
    "with one id in one role the newest is meant. Two requests at once store it once. Work that " +
    "has no outcome yet is refused, and without `again` also work that was sent again before.",
  request: {
    params: z.object({ id: MessageIdSchema }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
      again,
    }),
  },
});

const BY_SEQUENCE = createRoute({
  ...SHARED,
  path: "/api/sessions/{session}/work/{sequence}/retry",
  summary: "Retry a work item, by its sequence",
  description: "See `POST /api/work/{id}/retry`; a sequence always names one work item.",
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
    query: z.object({ role: nameSchema("role").optional(), again }),
  },
});

/** Adds the routes. */
export function retryRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(BY_ID, async (context) => {
    const { id } = context.req.valid("param");
    const query = context.req.valid("query");
    const unknown = () => unknownWork(id, query);
    const receipt = await retried(parts, { id }, { ...query, unknown });
    context.header("location", locationOf(receipt));
    return context.json(receipt, 202);
  });
  app.openapi(BY_SEQUENCE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const unknown = () => unknownSequence(session, sequence);
    const options = { ...context.req.valid("query"), session, unknown };
    const receipt = await retried(parts, { workSequence: sequence }, options);
    context.header("location", locationOf(receipt));
    return context.json(receipt, 202);
  });
}

function locationOf({ id, session_id: session, role }: z.infer<typeof RetriedWorkSchema>): string {
  return workLocation({ id, session, role });
}

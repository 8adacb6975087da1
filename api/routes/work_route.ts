/**
 * `GET /api/work/{id}`: where is it?
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import { awaitedTrace } from "../awaited_trace.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { unknownWork } from "../unknown_work.ts";
import { MessageIdSchema, nameSchema } from "../schemas/names.ts";
import { PreferSchema } from "../schemas/prefer.ts";
import { problems } from "../schemas/problem.ts";
import { WorkAnswerSchema } from "../schemas/work.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/work/{id}",
  ...needs("read"),
  summary: "Where a work item is",
  description: "What is recorded of it, and nothing more: stored, handed to which agent at which " +
    "attempt, its progress, its result or dead letter. Of several with one id the newest is the " +
    "answer, the others stand in `same_id`. It can wait for the outcome; without one in time, it " +
    "answers where the work is then.",
  tags: ["Work"],
  request: {
    params: z.object({ id: MessageIdSchema }),
    headers: z.object({ prefer: PreferSchema }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
    }),
  },
  responses: {
    200: {
      description: "What is known",
      content: { "application/json": { schema: WorkAnswerSchema } },
    },
    ...problems("invalid_request", "not_found", "unavailable", "too_many"),
  },
});

/** Adds the route. */
export function workRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { id } = context.req.valid("param");
    const query = context.req.valid("query");
    const { prefer } = context.req.valid("header");
    const { traces, applied } = await awaitedTrace(parts, { id }, { ...query, prefer });
    const [newest, ...others] = traces;
    if (newest === undefined) throw unknownWork(id, query);
    if (applied !== undefined) context.header("preference-applied", applied);
    const same_id = others.map(({ work_sequence, session_id, role, id, state, stored_at }) => ({
      ...{ work_sequence, session_id, role, id, state, stored_at },
    }));
    return context.json({ ...newest, same_id }, 200);
  });
}

/**
 * `GET /api/sessions/{session}/work/{sequence}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import { awaitedTrace } from "../awaited_trace.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { unknownSequence } from "../unknown_work.ts";
import { nameSchema, sequenceSchema } from "../schemas/names.ts";
import { PreferSchema } from "../schemas/prefer.ts";
import { problems } from "../schemas/problem.ts";
import { WorkTraceSchema } from "../schemas/work.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}/work/{sequence}",
  ...needs("read"),
  summary: "Where a work item is, by its sequence",
  description: "The sequence in the work stream is its identity: unlike an id, it is never used " +
    "twice. It can wait for the outcome; without one in time, it answers where the work is then.",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
    headers: z.object({ prefer: PreferSchema }),
  },
  responses: {
    200: {
      description: "What is known",
      content: { "application/json": { schema: WorkTraceSchema } },
    },
    ...problems("invalid_request", "not_found", "unavailable", "too_many"),
  },
});

/** Adds the route. */
export function workBySequenceRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const { prefer } = context.req.valid("header");
    const options = { session, limit: 1, prefer };
    const { traces, applied } = await awaitedTrace(parts, { workSequence: sequence }, options);
    const [trace] = traces;
    if (trace === undefined) throw unknownSequence(session, sequence);
    if (applied !== undefined) context.header("preference-applied", applied);
    return context.json(trace, 200);
  });
}

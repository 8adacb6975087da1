/**
 * `GET /api/sessions/{session}/work/{sequence}`.
 *
 * @module
 */
import { traceWork } from "@ourocodus/bus";
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../app.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { unknownSequence } from "../unknown_work.ts";
import { nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { WorkTraceSchema } from "../schemas/work.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}/work/{sequence}",
  ...needs("read"),
  summary: "Where a piece of work is, by its sequence",
  description:
    "The sequence in the work stream is its identity: other than ids, none is used twice.",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
  },
  responses: {
    200: {
      description: "What is known",
      content: { "application/json": { schema: WorkTraceSchema } },
    },
    ...problems("invalid_request", "not_found", "unavailable"),
  },
});

/** Adds the route. */
export function workBySequenceRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const [trace] = await traceWork(connection, { workSequence: sequence }, { session, limit: 1 });
    if (trace !== undefined) return context.json(trace, 200);
    throw unknownSequence(session, sequence);
  });
}

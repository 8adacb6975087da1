/**
 * `GET /api/sessions/{session}/results`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { readLog } from "@ourocodus/bus";
import { logItem } from "@ourocodus/ops";
import { outcomeSubjects } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { LimitSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { ResultListSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}/results",
  ...needs("read"),
  summary: "Results and errors",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session") }),
    query: z.object({
      role: nameSchema("role").optional(),
      before: sequenceSchema("before").optional().openapi({
        description: "Results with a lower sequence in the log",
      }),
      limit: LimitSchema,
    }),
  },
  responses: {
    200: {
      description: "A page of them, newest first",
      content: { "application/json": { schema: ResultListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

/** Adds the route. */
export function resultsRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session } = context.req.valid("param");
    const { role = "*", before, limit } = context.req.valid("query");
    // One more than asked for tells whether there is a next page.
    const records = await Array.fromAsync(
      readLog(connection, outcomeSubjects(session, role), { last: limit + 1, before }),
    );
    const page = records.slice(-limit).reverse();
    const next_before = records.length > limit ? page.at(-1)?.sequence ?? null : null;
    return context.json({ results: page.map(logItem), next_before }, 200);
  });
}

/**
 * `GET /api/stats`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { problems } from "../schemas/problem.ts";
import { needs } from "../security.ts";
import { StatsSchema } from "../schemas/health.ts";
import { nameSchema } from "../schemas/names.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/stats",
  ...needs("read"),
  summary: "Throughput and latency of the last ten minutes",
  description: "Counted from the log, as far back as the API has read it.",
  tags: ["System"],
  request: {
    query: z.object({
      session: nameSchema("session").optional().openapi({
        description: "Of this session alone; how much of its work waits is not in it",
      }),
    }),
  },
  responses: {
    200: {
      description: "In spans of two seconds",
      content: { "application/json": { schema: StatsSchema } },
    },
    ...problems(),
  },
});

/** Adds the route. */
export function statsRoute(app: ApiApp, { stats }: ApiParts): void {
  app.openapi(ROUTE, (context) => {
    const { session } = context.req.valid("query");
    const counted = session === undefined ? stats.all : stats.of(session);
    return context.json(counted.report(), 200);
  });
}

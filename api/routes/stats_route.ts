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
export function statsRoute(app: ApiApp, { stats, look }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session } = context.req.valid("query");
    if (session !== undefined) return context.json(stats.of(session).report(), 200);
    const sample = await look.streams().catch(() => undefined);
    if (sample !== undefined) stats.all.pending(sample.numbers.work.messages);
    return context.json(stats.all.report(), 200);
  });
}

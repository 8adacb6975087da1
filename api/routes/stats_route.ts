/**
 * `GET /api/stats`.
 *
 * @module
 */
import { createRoute } from "@hono/zod-openapi";
import type { ApiApp } from "../app.ts";
import type { ApiParts } from "../parts.ts";
import { StatsSchema } from "../schemas/health.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/stats",
  summary: "Throughput and latency of the last ten minutes",
  description:
    "As the API has read it from the log; what is older than its start is there as far " +
    "as it has read back.",
  tags: ["System"],
  responses: {
    200: {
      description: "In spans of two seconds",
      content: { "application/json": { schema: StatsSchema } },
    },
  },
});

/** Adds the route. */
export function statsRoute(app: ApiApp, { stats, look }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const sample = await look.streams().catch(() => undefined);
    if (sample !== undefined) stats.pending(sample.numbers.work.messages);
    return context.json(stats.report(), 200);
  });
}

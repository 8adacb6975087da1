/**
 * `GET /metrics`, for Prometheus.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { problems } from "../schemas/problem.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/metrics",
  ...needs("read"),
  summary: "Metrics, for Prometheus",
  tags: ["System"],
  responses: {
    200: {
      description: "In Prometheus' text format",
      content: { "text/plain": { schema: z.string() } },
    },
    ...problems(),
  },
});

/** Adds the route. */
export function metricsRoute(app: ApiApp, { metrics }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { text, type } = await metrics.page();
    return context.text(text, 200, { "content-type": type, "cache-control": "no-store" });
  });
}

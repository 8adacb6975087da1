/**
 * `GET /api/agents/{id}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { AgentSchema } from "../schemas/agent.ts";
import { nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/agents/{id}",
  ...needs("read"),
  summary: "One agent",
  description: "An id is unique within its session and role only.",
  tags: ["Agents"],
  request: {
    params: z.object({ id: nameSchema("id") }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
    }),
  },
  responses: {
    200: {
      description: "The agent",
      content: { "application/json": { schema: AgentSchema } },
    },
    ...problems("invalid_request", "not_found", "ambiguous", "unavailable"),
  },
});

/** Adds the route. */
export function agentRoute(app: ApiApp, { agents }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { id } = context.req.valid("param");
    return context.json(await agents.find({ id, ...context.req.valid("query") }), 200);
  });
}

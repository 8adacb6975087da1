/**
 * `GET /api/agents`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { AgentListSchema } from "../schemas/agent.ts";
import { nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/agents",
  ...needs("read"),
  summary: "All agents",
  description:
    "Those that are connected to any relay, and those that were started on this machine " +
    "by `ourocodus agent start`, connected or not.",
  tags: ["Agents"],
  request: {
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
    }),
  },
  responses: {
    200: {
      description: "Sorted by session, role and name",
      content: { "application/json": { schema: AgentListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

/** Adds the route. */
export function agentsRoute(app: ApiApp, { agents }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, role } = context.req.valid("query");
    const list = await agents.list();
    const wanted = list.agents.filter((agent) =>
      (session === undefined || agent.session_id === session) &&
      (role === undefined || agent.role === role)
    );
    return context.json({ ...list, agents: wanted }, 200);
  });
}

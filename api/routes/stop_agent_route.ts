/**
 * `DELETE /api/agents/{id}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { needs } from "../security.ts";
import { StoppedAgentSchema } from "../schemas/agent.ts";
import { flagSchema, nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";

const ROUTE = createRoute({
  method: "delete",
  path: "/api/agents/{id}",
  ...needs("admin"),
  summary: "Stop an agent",
  description:
    "It gets no more work, finishes what it has, and does not come back: one that `agent start` " +
    "started on this machine is stopped by its keeper, others are told so by their relay.",
  tags: ["Agents"],
  request: {
    params: z.object({ id: nameSchema("id") }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
      now: flagSchema("now").openapi({
        description: "At once; its running work is handed out again",
      }),
    }),
  },
  responses: {
    202: {
      description: "It stops",
      content: {
        "application/json": {
          schema: StoppedAgentSchema,
        },
      },
    },
    ...problems("invalid_request", "foreign_origin", "not_found", "ambiguous", "unavailable"),
  },
});

/** Adds the route. */
export function stopAgentRoute(app: ApiApp, { agents }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { now, ...names } = context.req.valid("query");
    const { id } = context.req.valid("param");
    return context.json(await agents.stop({ ...names, id }, { now }), 202);
  });
}

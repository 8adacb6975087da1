/**
 * `DELETE /api/agents/{id}`.
 *
 * @module
 */
import { stopConnectedAgent } from "@ourocodus/bus";
import { createRoute, z } from "@hono/zod-openapi";
import { theAgent } from "../agents.ts";
import type { ApiApp } from "../app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { flagSchema, nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";

const ROUTE = createRoute({
  method: "delete",
  path: "/api/agents/{id}",
  summary: "Stop an agent",
  description: "It gets no more work, finishes what it has, and is told not to come back.",
  tags: ["Agents"],
  request: {
    params: z.object({ id: nameSchema("id") }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
      now: flagSchema("now").openapi({
        description: "At once; what it has in hand is handed out again",
      }),
    }),
  },
  responses: {
    202: {
      description: "It stops",
      content: {
        "application/json": {
          schema: z.object({
            id: z.string(),
            session_id: z.string(),
            role: z.string(),
            state: z.enum(["stopping", "stopped"]),
            in_hand: z.int().openapi({ description: "What it finishes before" }),
          }),
        },
      },
    },
    ...problems("invalid_request", "foreign_origin", "not_found", "ambiguous", "unavailable"),
  },
});

/** Adds the route. */
export function stopAgentRoute(app: ApiApp, { agents, connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { now, ...names } = context.req.valid("query");
    const agent = theAgent((await agents.list()).agents, {
      ...names,
      id: context.req.valid("param").id,
    });
    const { id, session_id, role } = agent;
    const stopping = await stopConnectedAgent(connection, { session_id, role, agent_id: id, now });
    if (stopping === undefined) {
      throw new ProblemError("not_found", `agent ${id} is not connected any more`);
    }
    const { in_hand } = stopping;
    const state = in_hand > 0 ? "stopping" : "stopped";
    return context.json({ id, session_id, role, state, in_hand } as const, 202);
  });
}

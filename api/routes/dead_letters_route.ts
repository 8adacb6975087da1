/**
 * `GET /api/sessions/{session}/dead`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { deadLetters } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { flagSchema, LimitSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { DeadLetterListSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/api/sessions/{session}/dead",
  ...needs("read"),
  summary: "Dead letters: copies of dead work",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session") }),
    query: z.object({
      role: nameSchema("role").optional(),
      before: sequenceSchema("before").optional().openapi({
        description: "Those with a lower sequence in the log",
      }),
      limit: LimitSchema,
      all: flagSchema("all").openapi({ description: "Also those that were sent again" }),
    }),
  },
  responses: {
    200: {
      description: "A page of them, newest first",
      content: { "application/json": { schema: DeadLetterListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

/** Adds the route. */
export function deadLettersRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session } = context.req.valid("param");
    const page = await deadLetters(connection, session, context.req.valid("query"));
    return context.json({ dead: [...page.items], next_before: page.nextBefore }, 200);
  });
}

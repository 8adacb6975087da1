/**
 * `GET /problems`: what the `type` of a problem leads to.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import { openProblems } from "../schemas/problem.ts";
import { PROBLEMS } from "../problem_kinds.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/problems",
  summary: "The kinds of problems",
  tags: ["System"],
  responses: {
    200: {
      description: "By the fragment that `type` has",
      content: {
        "application/json": {
          schema: z.record(z.string(), z.object({ status: z.int(), title: z.string() })),
        },
      },
    },
    ...openProblems(),
  },
});

/** Adds the route. */
export function problemsRoute(app: ApiApp): void {
  app.openapi(ROUTE, (context) => {
    const kinds = Object.entries(PROBLEMS).map(([kind, problem]) =>
      [kind.replaceAll("_", "-"), problem] as const
    );
    return context.json(Object.fromEntries(kinds), 200);
  });
}

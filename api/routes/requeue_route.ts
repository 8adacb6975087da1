/**
 * `POST /api/sessions/{session}/dead/{sequence}/requeue`: retrying by its old name, for clients of
 * versions before.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { flagSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { RetriedWorkSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { workLocation } from "../work_location.ts";
import { retried } from "../work_retry.ts";

const ROUTE = createRoute({
  method: "post",
  path: "/api/sessions/{session}/dead/{sequence}/requeue",
  ...needs("send"),
  summary: "Retry a dead letter's work, by the letter's sequence",
  description:
    "`POST /api/sessions/{session}/work/{sequence}/retry` does it for any finished work. Only here, " +
    "a conflict's `work_sequence` is the new work's.",
  deprecated: true,
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
    query: z.object({
      again: flagSchema("again").openapi({ description: "Also if it was sent again before" }),
    }),
  },
  responses: {
    202: {
      description: "It is stored, as a new work item",
      content: {
        "application/json": {
          schema: RetriedWorkSchema.extend({
            requeued_from: z.int().openapi({ description: "The dead letter's sequence" }),
          }),
        },
      },
    },
    ...problems(
      ...(["invalid_request", "foreign_origin", "not_found", "ambiguous"] as const),
      ...(["conflict", "unprocessable", "unavailable"] as const),
    ),
  },
});

/** Adds the route. */
export function requeueRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const { again } = context.req.valid("query");
    const unknown = () =>
      new ProblemError(
        "not_found",
        `session ${session} has no dead letter with the sequence ${sequence}`,
      );
    const options = { session, again, unknown };
    const receipt = await retried(parts, { deadLetter: sequence }, options).catch(asBefore);
    const { id, role } = receipt;
    context.header("location", workLocation({ id, session, role }));
    return context.json({ ...receipt, requeued_from: sequence }, 202);
  });
}

/** Here, `work_sequence` of what was sent again already is that of the new work. */
function asBefore(error: unknown): never {
  if (!(error instanceof ProblemError) || error.kind !== "conflict") throw error;
  const { retried_as = null } = error.extras;
  if (retried_as === null) throw error;
  const extras = { ...error.extras, work_sequence: retried_as };
  throw new ProblemError("conflict", error.message, { extras, cause: error });
}

/**
 * `POST /api/sessions/{session}/dead/{sequence}/requeue`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { retryDeadLetter } from "@ourocodus/ops";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { flagSchema, nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { SentWorkSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { workLocation } from "../work_location.ts";

const ROUTE = createRoute({
  method: "post",
  path: "/api/sessions/{session}/dead/{sequence}/requeue",
  ...needs("send"),
  summary: "Retry a dead letter's work",
  description: "Sends it again, unchanged, as new work. Two requests at once store it once.",
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
        "application/json": { schema: SentWorkSchema.extend({ requeued_from: z.int() }) },
      },
    },
    ...problems("invalid_request", "not_found", "conflict", "unprocessable", "unavailable"),
  },
});

/** Adds the route. */
export function retryRoute(app: ApiApp, { connection, limits, metrics }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const { again } = context.req.valid("query");
    const done = await retryDeadLetter(connection, session, sequence, { again, limits });
    switch (done.kind) {
      case "retried": {
        const { id, sequence: work, duplicate } = done.sent;
        const { role } = done.dead;
        metrics.sent(duplicate);
        context.header("location", workLocation({ id, session, role }));
        const names = { session_id: session, role };
        const answer = { id, sequence: work, ...names, duplicate, result: null };
        return context.json({ ...answer, requeued_from: sequence }, 202);
      }
      case "not_found":
        throw new ProblemError(
          "not_found",
          `session ${session} has no dead letter with the sequence ${sequence}`,
        );
      case "already":
        throw new ProblemError(
          "conflict",
          `it was sent again already, as work ${done.work_sequence}; again=true sends it once more`,
          { extras: { work_sequence: done.work_sequence } },
        );
      case "refused":
        throw new ProblemError("unprocessable", done.reason);
    }
  });
}

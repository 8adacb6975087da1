/**
 * `POST /api/sessions/{session}/work/{sequence}/extend`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { extendWork, traceWork } from "@ourocodus/ops";
import { MAX_WORK_LIMIT_MS } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { nameSchema, sequenceSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { ExtendedWorkSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { unknownSequence } from "../unknown_work.ts";

const ROUTE = createRoute({
  method: "post",
  path: "/api/sessions/{session}/work/{sequence}/extend",
  summary: "Give running work more time",
  description: "Its deadline, if it has one, is that much later; and for so long its agent need " +
    "not say anything about it. Work that no agent has is refused.",
  tags: ["Work"],
  ...needs("send"),
  request: {
    params: z.object({ session: nameSchema("session"), sequence: sequenceSchema("sequence") }),
    query: z.object({
      ms: z.coerce.number().int().min(1).max(MAX_WORK_LIMIT_MS).openapi({
        description: "How much more, in milliseconds",
      }),
    }),
  },
  responses: {
    200: {
      description: "It has more time",
      content: { "application/json": { schema: ExtendedWorkSchema } },
    },
    ...problems("invalid_request", "foreign_origin", "not_found", "conflict", "unavailable"),
  },
});

/** Adds the route. */
export function extendWorkRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, sequence } = context.req.valid("param");
    const { ms } = context.req.valid("query");
    const [found] = await traceWork(connection, { workSequence: sequence }, { session, limit: 1 });
    if (found === undefined) throw unknownSequence(session, sequence);
    const extended = await extendWork(connection, found, ms);
    if (extended === undefined) {
      const { id, role, state } = found;
      const detail =
        `work ${sequence} of session ${session} is ${state}: no relay says that an agent has it`;
      throw new ProblemError("conflict", detail, {
        extras: { work_sequence: sequence, session_id: session, role, id, state },
      });
    }
    const { work_sequence, session_id, role, id } = found;
    return context.json({ work_sequence, session_id, role, id, ...extended }, 200);
  });
}

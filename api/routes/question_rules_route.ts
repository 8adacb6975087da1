import { createRoute, z } from "@hono/zod-openapi";
import { questionRules, removeRule } from "@ourocodus/ops";
import { isRuleId, RULE_ID_PATTERN } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { RuleListSchema, RuleSchema } from "../schemas/questions.ts";
import { needs } from "../security.ts";

const PLACE = z.object({
  session: nameSchema("session").optional(),
  role: nameSchema("role").optional(),
});

const LIST = createRoute({
  method: "get",
  path: "/api/questions/rules",
  summary: "List rules that answer questions of agents",
  description: "Oldest first. An answer with `always` makes one.",
  tags: ["Questions"],
  ...needs("answer"),
  request: { query: PLACE },
  responses: {
    200: { description: "All", content: { "application/json": { schema: RuleListSchema } } },
    ...problems("invalid_request", "unavailable"),
  },
});

const REMOVE = createRoute({
  method: "delete",
  path: "/api/questions/rules/{id}",
  summary: "Remove a rule",
  description: "People are asked again from now on. Answers that the rule has given stay.",
  tags: ["Questions"],
  ...needs("answer"),
  request: {
    params: z.object({
      id: z.string().refine(isRuleId).openapi({
        ...{ type: "string", pattern: RULE_ID_PATTERN },
        description: "The rule's id",
        example: "3fa9c0d1e2b3a4f5",
      }),
    }),
    query: PLACE,
  },
  responses: {
    200: {
      description: "It is removed",
      content: { "application/json": { schema: RuleSchema } },
    },
    ...problems("invalid_request", "foreign_origin", "not_found", "unavailable"),
  },
});

/** Adds the routes. */
export function questionRulesRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(LIST, async (context) => {
    return context.json(
      { rules: await questionRules(connection, context.req.valid("query")) },
      200,
    );
  });
  app.openapi(REMOVE, async (context) => {
    const { id } = context.req.valid("param");
    const rules = await questionRules(connection, context.req.valid("query"));
    const rule = rules.find(({ rule_id }) => rule_id === id);
    if (rule === undefined || !await removeRule(connection, rule)) {
      throw new ProblemError("not_found", `there is no rule ${id}`);
    }
    return context.json(rule, 200);
  });
}

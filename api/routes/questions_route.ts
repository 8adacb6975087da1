/**
 * `GET /api/questions` and `POST /api/questions/{id}/answer`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { answerQuestion, openQuestions } from "@ourocodus/ops";
import {
  ALWAYS,
  isQuestionId,
  MAX_ANSWER_CHARACTERS,
  QUESTION_ID_PATTERN,
} from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { nameSchema } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { AnsweredSchema, QuestionListSchema } from "../schemas/questions.ts";
import { needs } from "../security.ts";

const LIST = createRoute({
  method: "get",
  path: "/api/questions",
  summary: "List questions of agents that wait for an answer",
  description: "Oldest first. The agent waits until somebody answers, or the time is over.",
  tags: ["Questions"],
  ...needs("read"),
  request: {
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
    }),
  },
  responses: {
    200: {
      description: "Those that wait",
      content: { "application/json": { schema: QuestionListSchema } },
    },
    ...problems("invalid_request", "unavailable"),
  },
});

const ANSWER = createRoute({
  method: "post",
  path: "/api/questions/{id}/answer",
  summary: "Answer a question",
  description: "Of several who answer, the first counts; the others get 409, with who has " +
    'answered what. An answer that is none of the options is refused with 422. Where "allow for ' +
    'this session" is an option of a question with a fingerprint, it is "allow", always.',
  tags: ["Questions"],
  ...needs("answer"),
  request: {
    params: z.object({
      id: z.string().refine(isQuestionId).openapi({
        ...{ type: "string", pattern: QUESTION_ID_PATTERN },
        description: "The question's id",
        example: "17-1763999999999999999-0123456789abcdef-1",
      }),
    }),
    query: z.object({
      session: nameSchema("session").optional(),
      role: nameSchema("role").optional(),
    }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z.object({
            answer: z.string().min(1).max(MAX_ANSWER_CHARACTERS),
            by: z.string().min(1).max(128).optional().openapi({ description: "Who answers" }),
            always: z.enum(ALWAYS).optional().openapi({
              description: "Makes a rule: the session's role is answered the same whenever it " +
                "asks about exactly the same. Only if the question has a fingerprint",
            }),
          }),
        },
      },
    },
  },
  responses: {
    200: {
      description: "It is answered",
      content: { "application/json": { schema: AnsweredSchema } },
    },
    ...problems(
      ...(["invalid_request", "foreign_origin", "not_found", "conflict"] as const),
      ...(["too_slow", "too_large", "unsupported_media_type"] as const),
      ...(["unprocessable", "unavailable"] as const),
    ),
  },
});

/** Adds the routes. */
export function questionsRoute(app: ApiApp, { connection }: ApiParts): void {
  app.openapi(LIST, async (context) => {
    const questions = await openQuestions(connection, context.req.valid("query"));
    return context.json({ questions }, 200);
  });
  app.openapi(ANSWER, async (context) => {
    const { id } = context.req.valid("param");
    const { by = "somebody", ...given } = context.req.valid("json");
    const open = await openQuestions(connection, context.req.valid("query"));
    const question = open.find(({ question_id }) => question_id === id);
    if (question === undefined) {
      throw new ProblemError("not_found", `no question ${id} waits for an answer`);
    }
    const done = await answerQuestion(connection, question, { ...given, by });
    if (done.kind === "no_option") {
      const options = done.options.map((option) => JSON.stringify(option)).join(", ");
      throw new ProblemError("unprocessable", `answer is none of the options: ${options}`);
    }
    if (done.kind === "no_fingerprint") {
      const detail = `question ${id} has no fingerprint, so no rule can be made: leave always out`;
      throw new ProblemError("unprocessable", detail);
    }
    if (done.kind === "taken") {
      const { answer: taken, by: who } = done.answer;
      const detail = who === undefined
        ? `the time of question ${id} was over`
        : `${who} has answered question ${id} already: ${JSON.stringify(taken)}`;
      throw new ProblemError("conflict", detail);
    }
    const { answer, rule } = done;
    return context.json({ question_id: id, answer, by, ...(rule && { rule }) }, 200);
  });
}

/**
 * Questions of agents, as the API shows them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { QuestionRecord } from "@ourocodus/protocol";

const time = z.string().openapi({ format: "date-time" });

/** A question that waits. */
const QuestionSchema = z.object({
  question_id: z.string(),
  session_id: z.string(),
  role: z.string(),
  work_id: z.string(),
  work_sequence: z.int(),
  attempt: z.int(),
  agent_id: z.string(),
  question: z.string(),
  options: z.array(z.string()).readonly().optional().openapi({
    description: "What may be answered; any text if it is missing",
  }),
  default: z.string().optional().openapi({ description: "What counts if nobody answers in time" }),
  asked_at: time,
  expires_at: time,
}).openapi("Question") satisfies z.ZodType<QuestionRecord>;

/** The answer of `GET /api/questions`. */
export const QuestionListSchema = z.object({
  questions: z.array(QuestionSchema),
}).openapi("QuestionList");

/** The answer to an answer. */
export const AnsweredSchema = z.object({
  question_id: z.string(),
  answer: z.string(),
  by: z.string(),
}).openapi("AnsweredQuestion");

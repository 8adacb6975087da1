/**
 * Questions of agents, as the API shows them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";
import { type QuestionRecord, RULE_ID_PATTERN, type RuleRecord } from "@ourocodus/protocol";

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
  fingerprint: z.string().optional().openapi({
    description: "What it is about, if a rule can be made of an answer",
  }),
  asked_at: time,
  expires_at: time,
}).openapi("Question") satisfies z.ZodType<QuestionRecord>;

/** The answer of `GET /api/questions`. */
export const QuestionListSchema = z.object({
  questions: z.array(QuestionSchema),
}).openapi("QuestionList");

/** A rule that answers questions. */
export const RuleSchema = z.object({
  rule_id: z.string().openapi({ pattern: RULE_ID_PATTERN }),
  session_id: z.string(),
  role: z.string(),
  fingerprint: z.string().openapi({ description: "What is asked about" }),
  answer: z.string(),
  by: z.string().openapi({ description: "Who has made it" }),
  since: time,
  question_id: z.string().openapi({ description: "The question that was answered with it" }),
}).openapi("QuestionRule") satisfies z.ZodType<RuleRecord>;

/** The answer of `GET /api/questions/rules`. */
export const RuleListSchema = z.object({ rules: z.array(RuleSchema) }).openapi("QuestionRuleList");

/** The answer to an answer. */
export const AnsweredSchema = z.object({
  question_id: z.string(),
  answer: z.string(),
  by: z.string(),
  rule: RuleSchema.optional().openapi({ description: "The rule that was made of it" }),
}).openapi("AnsweredQuestion");

/**
 * The types of what the API answers, for the monitor: types alone, no code.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import type { AgentListSchema, AgentSchema, AgentWorkSchema } from "./schemas/agent.ts";
import type { HealthSchema, StatsPointSchema, StatsSchema } from "./schemas/health.ts";
import type { ProblemSchema } from "./schemas/problem.ts";
import type {
  CancelledWorkSchema,
  DeadLetterListSchema,
  DeadLetterSchema,
  LogItemSchema,
  NewWorkSchema,
  PendingWorkListSchema,
  ResultListSchema,
  RetriedWorkSchema,
  SentWorkSchema,
  SessionListSchema,
  SessionSchema,
  TraceStepSchema,
  WorkAnswerSchema,
  WorkTraceSchema,
} from "./schemas/work.ts";

export type Agent = z.infer<typeof AgentSchema>;
export type AgentList = z.infer<typeof AgentListSchema>;
export type AgentWork = z.infer<typeof AgentWorkSchema>;
export type CancelledWork = z.infer<typeof CancelledWorkSchema>;
export type DeadLetter = z.infer<typeof DeadLetterSchema>;
export type DeadLetterList = z.infer<typeof DeadLetterListSchema>;
export type Health = z.infer<typeof HealthSchema>;
export type LogItem = z.infer<typeof LogItemSchema>;
export type NewWork = z.infer<typeof NewWorkSchema>;
export type PendingWorkList = z.infer<typeof PendingWorkListSchema>;
export type Problem = z.infer<typeof ProblemSchema>;
export type ResultList = z.infer<typeof ResultListSchema>;
export type RetriedWork = z.infer<typeof RetriedWorkSchema>;
export type SentWork = z.infer<typeof SentWorkSchema>;
export type Session = z.infer<typeof SessionSchema>;
export type SessionList = z.infer<typeof SessionListSchema>;
export type Stats = z.infer<typeof StatsSchema>;
export type StatsPoint = z.infer<typeof StatsPointSchema>;
export type TraceStep = z.infer<typeof TraceStepSchema>;
export type WorkAnswer = z.infer<typeof WorkAnswerSchema>;
export type WorkTrace = z.infer<typeof WorkTraceSchema>;

/**
 * What a coding agent's turn says and means: its progress, answer, tools and usage, what it may do,
 * what its end is, and the texts that are sent to it. Nothing here starts a process.
 *
 * @module
 */
export type { AnswerCheck, AnswerSchema } from "./answer_schema.ts";
export { type ExceededLimit, type LimitFacts, Limits, type WorkLimits } from "./limits.ts";
export {
  type OutcomeCode,
  outcomeOf,
  type PromptEnd,
  type PromptFault,
  type RetryReason,
  type TurnFacts,
  type TurnOutcome,
} from "./outcome.ts";
export { PermissionPolicy, type Verdict } from "./permission_policy.ts";
export { type PermissionQuestion, permissionQuestion } from "./permission_question.ts";
export {
  parsePermissionRules,
  PERMISSION_LEVELS,
  type PermissionRule,
  type PermissionRules,
} from "./permission_rules.ts";
export {
  answerFor,
  type Decide,
  decideBy,
  Permissions,
  type PermissionsOptions,
} from "./permissions.ts";
export {
  type CodingProgress,
  type Cost,
  type NoticeProgress,
  type PermissionDecision,
  type PermissionProgress,
  type PlanProgress,
  progressLine,
  type ProgressPayload,
  type TextProgress,
  type ThoughtProgress,
  type ToolProgress,
  type UsageProgress,
} from "./progress.ts";
export { ProgressFeed, type ProgressFeedOptions } from "./progress_feed.ts";
export {
  checkFailedPrompt,
  type FailedCheck,
  firstPrompt,
  resumePrompt,
  schemaRepairPrompt,
} from "./prompt.ts";
export { shortened } from "./shortened.ts";
export type { ToolState } from "./tool_calls.ts";
export { Transcript, type TranscriptOptions } from "./transcript.ts";
export { TurnRecord, type TurnRecordOptions } from "./turn_record.ts";
export { addUsage, type PromptUsage, type WorkUsage } from "./usage.ts";

/**
 * What a coding agent's turn says and means: its progress, answer, tools and usage, what it may do,
 * what its end is, and the texts that are sent to it. Nothing here starts a process.
 *
 * @module
 */
export type { AnswerSchema } from "./answer_schema.ts";
export { type ExceededLimit, Limits, type WorkLimits } from "./limits.ts";
export { CHARGED, outcomeOf } from "./outcome.ts";
export { PermissionPolicy } from "./permission_policy.ts";
export { PERMISSION_LEVELS } from "./permission_rules.ts";
export { askingPeople } from "./ask_people.ts";
export { type Decide, decideBy, Permissions } from "./permissions.ts";
export type { PermissionDecision } from "./progress.ts";
export { ProgressFeed } from "./progress_feed.ts";
export { checkFailedPrompt, firstPrompt, resumePrompt, schemaRepairPrompt } from "./prompt.ts";
export { Transcript } from "./transcript.ts";
export { TurnRecord } from "./turn_record.ts";
export { addUsage, countedUsage, type WorkUsage } from "./usage.ts";

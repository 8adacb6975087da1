/**
 * What clients do: send work, follow, list, cancel and retry it, list dead letters, sum up sessions,
 * and ask relays for their agents.
 *
 * @module
 */
export { deadLetters } from "./dead_letters.ts";
export {
  FINISHED_STATES,
  type FinishedFilter,
  type FinishedState,
  finishedWork,
} from "./finished_work.ts";
export { logItem, logLine } from "./log_item.ts";
export { OutcomeCounts } from "./outcome_counts.ts";
export { pendingWork } from "./pending_work.ts";
export { type Work, workMessageId } from "./prepare_work.ts";
export {
  askRelays,
  type DirectoryAgent,
  type RelayDirectory,
  type RelayRecord,
} from "./relay_directory.ts";
export type { SendSummary, SentWork } from "./send_options.ts";
export { sendAllWork, sendWork } from "./send_work.ts";
export { sessionSummaries, sessionSummary } from "./session_summaries.ts";
export { stopConnectedAgent } from "./stop_agent.ts";
export { type StreamNumbers, streamNumbers } from "./stream_numbers.ts";
export type { WorkQuery } from "./trace_records.ts";
export { conversationAfter, isUnfinished, lastHolder } from "./trace_state.ts";
export {
  type Cancellation,
  type CancelledWork,
  type CancelOptions,
  cancelTraced,
  cancelWork,
  MAX_REASON_CHARACTERS,
} from "./work_cancel.ts";
export { fingerprint, type KnownWork, TakenIdError, takenIds } from "./taken_ids.ts";
export { newWorkId, workPayload, type WorkTarget } from "./work_payload.ts";
export {
  type Retried,
  type RetriedWork,
  retryFinished,
  type RetryOptions,
  type RetryQuery,
  retryTraced,
  retryWork,
} from "./work_retry.ts";
export { type TraceOptions, traceWork, traceWorks } from "./work_trace.ts";
export type {
  DeadLetter,
  LogItem,
  PendingWork,
  SessionSummary,
  TraceStep,
  WorkState,
  WorkTrace,
} from "./work_trace_types.ts";
export { extendWork } from "./work_extend.ts";
export { questionRules, removeRule } from "./question_rules.ts";
export { type Answering, answerQuestion, openQuestions } from "./questions.ts";

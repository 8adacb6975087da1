/**
 * What travels between clients, relays and agents: messages, frames, leases, subjects, close codes,
 * events, errors. Besides, what every program needs at its start and end: settings, logs, signals.
 * Imports nothing of ours, and nothing of NATS.
 *
 * @module
 */
export {
  type AttemptRecord,
  attemptRecord,
  type Charge,
  hasTried,
  MAX_CHARGES,
  NO_ATTEMPTS,
  notBefore,
  onlyCharged,
  parseAttemptRecord,
} from "./attempt_record.ts";
export { CLOSE, type CloseCode, closeReason, mayReconnect } from "./close_codes.ts";
export { type DiffLineKind, diffLines, hasDiff } from "./diff_lines.ts";
export { InvalidNameError, messageOf, OurocodusError, SettingError } from "./errors.ts";
export { EVENT_TYPES, HAND_OUT_EVENTS, isHandedOut, type WorkEventType } from "./events.ts";
export {
  AGENT_TYPE,
  appendLease,
  type CancelPayload,
  type CancelReason,
  CAPABILITIES,
  type DrainPayload,
  isLimitKey,
  isReservedType,
  joinFrames,
  LIMIT_KEY_RULE,
  MAX_RESUMED_LEASES,
  MAX_RETRY_DELAY_MS,
  RELAY_TYPE,
  type RelayErrorCode,
  type RelayErrorPayload,
  REPORT_TYPES,
  type ResumePayload,
  singleLine,
  spliceLease,
  splitFrame,
  type StoredPayload,
  SUBPROTOCOL_V1,
  type WelcomePayload,
} from "./frames.ts";
export { type Lease, MAX_LEASE_CHARACTERS, parseLease, workPlace, workStoredAt } from "./lease.ts";
export { LOG_HEADER } from "./log_headers.ts";
export { configureLogging, LOG_LEVEL, logLevelSetting } from "./logging.ts";
export {
  describe,
  formatMessage,
  invalidId,
  isObject,
  type Message,
  parseMessage,
  parseObject,
  parseWork,
  workId,
} from "./message.ts";
export {
  beginningOf,
  conversationBegunBy,
  conversationOf,
  invalidConversation,
} from "./conversation.ts";
export { isAtLeast, NATS_RELEASES_URL, OLDEST_NATS_SERVER } from "./nats_versions.ts";
export { pause } from "./pause.ts";
export {
  type AgentRecord,
  type AgentsPage,
  type AgentsQuery,
  type AgentStop,
  type AgentStopping,
  type AgentWork,
  type CancelledHolder,
  type CancelNotice,
  type ExtendedWork,
  type ExtendRequest,
  parseAgentStop,
  parseCancelNotice,
  parseExtendedWork,
  parseExtendRequest,
  parseHolder,
  type PausedAgent,
} from "./relay_requests.ts";
export {
  errorHeadline,
  errorText,
  factTexts,
  resultFacts,
  resultHeadline,
  resultText,
} from "./result_text.ts";
export { RoleId } from "./role_id.ts";
export {
  bytes,
  defaultText,
  duration,
  type Environment,
  flag,
  integer,
  list,
  parseBytes,
  parseDurationMs,
  readSettings,
  type Setting,
  settingsHelp,
  settingsIn,
  type SettingsOf,
  type SettingTable,
  text,
  textSetting,
} from "./settings.ts";
export { stopSignal } from "./stop_signal.ts";
export { stripLease } from "./strip_lease.ts";
export {
  ALL_ATTEMPTS,
  ALL_COPIES,
  ALL_LOG_SUBJECTS,
  ALL_OUTCOMES,
  ALL_RESULTS,
  answersSubject,
  answerSubjects,
  attemptsSubject,
  attemptsSubjects,
  deadSubject,
  eventsSubject,
  invalidName,
  LOG_STREAM,
  LOG_SUBJECTS,
  MAX_NAME_CHARACTERS,
  NEWER_LOG_SUBJECTS,
  OUTCOME_COPIES,
  outcomeSubject,
  outcomeSubjects,
  parseSubject,
  questionsSubject,
  questionSubjects,
  RELAYS_AGENTS_STOP_SUBJECT,
  RELAYS_AGENTS_SUBJECT,
  RELAYS_LEASES_SUBJECT,
  RELAYS_LIMITS_SUBJECT,
  RELAYS_QUESTIONS_SUBJECT,
  RELAYS_WORK_CANCEL_SUBJECT,
  RELAYS_WORK_EXTEND_SUBJECT,
  resultsSubject,
  ruleSubject,
  ruleSubjects,
  sessionSubjects,
  SETTINGS_STREAM,
  SETTINGS_SUBJECTS,
  storedSubject,
  strayWorkSubjects,
  WORK_COPIES,
  WORK_STREAM,
  WORK_SUBJECTS,
  workSubject,
  workSubjects,
} from "./subjects.ts";
export { byteLength, bytesBeyond, decodeUtf8 } from "./utf8.ts";
export { VERSION } from "./version.ts";
export { MAX_WORK_LIMIT_MS, type WorkLimits, workLimits } from "./work_limits.ts";
export { workTitle } from "./work_title.ts";
export {
  type AnswerPayload,
  type AnswerRecord,
  type AskPayload,
  isQuestionId,
  MAX_ANSWER_CHARACTERS,
  MAX_QUESTION_MS,
  parseAnswerRecord,
  parseAsk,
  parseQuestionRecord,
  QUESTION_ID_PATTERN,
  QUESTION_MS,
  questionId,
  type QuestionRecord,
} from "./questions.ts";
export {
  ALWAYS,
  type Always,
  answeredByRule,
  invalidFingerprint,
  isRuleId,
  meantAnswer,
  parseRuleRecord,
  RULE_ID_PATTERN,
  type RuleRecord,
} from "./question_rules.ts";

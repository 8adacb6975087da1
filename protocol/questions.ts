/**
 * Questions that agents ask while they work, and their answers: what travels, and what is stored. Of a
 * question exactly one answer is accepted: the stream takes one message on its subject.
 *
 * @module
 */
import { describe, isObject, parseObject } from "./message.ts";
import { ALWAYS, type Always, invalidFingerprint } from "./question_rules.ts";

/** The most characters of a question, … */
export const MAX_QUESTION_CHARACTERS = 4_000;
/** … of an option or an answer, … */
export const MAX_ANSWER_CHARACTERS = 4_000;
/** … and the most options. */
export const MAX_OPTIONS = 50;
/** How long a question waits unless it says so, in milliseconds: an hour. */
export const QUESTION_MS = 3_600_000;
/** The longest that a question may wait, in milliseconds: 30 days. */
export const MAX_QUESTION_MS = 30 * 86_400_000;

const KEY = /^[A-Za-z0-9_-]{1,64}$/;
/** What a question's id looks like, as a regular expression. */
export const QUESTION_ID_PATTERN = "^\\d{1,16}-\\d{1,19}-[A-Za-z0-9_-]{1,64}$";
const ID = new RegExp(QUESTION_ID_PATTERN);

/** The payload of `agent.ask`, checked. */
export interface AskPayload {
  /**
   * Tells the question from others about the same work item, 1 to 64 of `A-Z a-z 0-9 _ -`. A further
   * attempt that asks with the same key gets the answer that is stored.
   */
  readonly key: string;
  readonly question: string;
  /** What may be answered; anything if it is missing. */
  readonly options?: readonly string[];
  /** What counts if nobody answers in time; if it is missing, nothing does. */
  readonly default?: string;
  /**
   * What is asked about, in 1 to 200 printable characters for people, so that a rule may answer it; only
   * with options. See question_rules.ts.
   */
  readonly fingerprint?: string;
  /** How long it waits for an answer, in milliseconds. */
  readonly timeout_ms: number;
}

/** The payload of `relay.answer`. */
export interface AnswerPayload {
  readonly lease: string;
  readonly key: string;
  /** Missing if nobody has answered, and there is no default. */
  readonly answer?: string;
  /** Who has answered; missing if nobody has. */
  readonly by?: string;
}

/** A question as it is stored. */
export interface QuestionRecord extends Omit<AskPayload, "timeout_ms" | "key"> {
  /** Its id: `{sequence}-{time}-{key}`. */
  readonly question_id: string;
  readonly session_id: string;
  readonly role: string;
  readonly work_id: string;
  readonly work_sequence: number;
  readonly attempt: number;
  readonly agent_id: string;
  /** ISO 8601. */
  readonly asked_at: string;
  /** When the default counts, ISO 8601. */
  readonly expires_at: string;
}

/** An answer as it is stored. */
export interface AnswerRecord {
  readonly question_id: string;
  /** Missing if nobody has answered in time, and there is no default. */
  readonly answer?: string;
  /** Who has answered; missing if nobody has. */
  readonly by?: string;
  /** Whether a rule was made of it. */
  readonly always?: Always;
  /** ISO 8601. */
  readonly answered_at: string;
}

/** A question's id. @param work The work item's identity. */
export function questionId(work: string, key: string): string {
  return `${work.replace(".", "-")}-${key}`;
}

/** Whether a text is a question's id. */
export function isQuestionId(text: string): boolean {
  return ID.test(text);
}

/** Checks what an agent asks. @returns What is wrong, as a text. */
export function parseAsk(payload: Record<string, unknown>): AskPayload | string {
  const { key, question, options, default: otherwise, fingerprint } = payload;
  const { timeout_ms: timeoutMs = QUESTION_MS } = payload;
  if (typeof key !== "string" || !KEY.test(key)) {
    return `key is ${described(key)}, allowed are 1 to 64 of A-Z a-z 0-9 _ -`;
  }
  if (!isText(question, MAX_QUESTION_CHARACTERS)) {
    return wrongText("question", question, MAX_QUESTION_CHARACTERS);
  }
  if (options !== undefined) {
    if (!Array.isArray(options) || options.length === 0 || options.length > MAX_OPTIONS) {
      const shown = Array.isArray(options) ? `${options.length} options` : describe(options);
      return `options are ${shown}, allowed are 1 to ${MAX_OPTIONS} texts`;
    }
    const wrong = options.find((option) => !isText(option, MAX_ANSWER_CHARACTERS));
    if (wrong !== undefined) return wrongText("an option", wrong, MAX_ANSWER_CHARACTERS);
  }
  if (otherwise !== undefined && !isText(otherwise, MAX_ANSWER_CHARACTERS)) {
    return wrongText("default", otherwise, MAX_ANSWER_CHARACTERS);
  }
  if (options !== undefined && otherwise !== undefined && !options.includes(otherwise)) {
    return `default is ${JSON.stringify(otherwise.slice(0, 64))}, which is none of the options`;
  }
  if (fingerprint !== undefined) {
    if (options === undefined) {
      return "fingerprint is there, but no options: a rule answers with one";
    }
    const wrong = invalidFingerprint(fingerprint);
    if (wrong !== undefined) return wrong;
  }
  const isTime = Number.isSafeInteger(timeoutMs) && Number(timeoutMs) >= 1 &&
    Number(timeoutMs) <= MAX_QUESTION_MS;
  if (!isTime) {
    const shown = typeof timeoutMs === "number" ? timeoutMs : describe(timeoutMs);
    return `timeout_ms is ${shown}, allowed is a whole number from 1 to ${MAX_QUESTION_MS}`;
  }
  return {
    ...{ key, question, timeout_ms: Number(timeoutMs) },
    ...(options !== undefined && { options }),
    ...(otherwise !== undefined && { default: otherwise }),
    ...(typeof fingerprint === "string" && { fingerprint }),
  };
}

/** Reads a stored question; `undefined` if it is none. */
export function parseQuestionRecord(text: string): QuestionRecord | undefined {
  const payload = parseObject(text)?.payload;
  if (!isObject(payload)) return undefined;
  const texts = ["question_id", "question", "session_id", "role", "work_id", "agent_id"];
  const times = ["asked_at", "expires_at"];
  const { options, default: otherwise, fingerprint } = payload;
  const isWhole = [...texts, ...times].every((name) => typeof payload[name] === "string") &&
    times.every((name) => !Number.isNaN(Date.parse(String(payload[name])))) &&
    [payload.work_sequence, payload.attempt].every(Number.isSafeInteger) &&
    [otherwise, fingerprint].every((one) => one === undefined || typeof one === "string") &&
    (options === undefined ||
      (Array.isArray(options) && options.every((option) => typeof option === "string")));
  return isWhole ? payload as unknown as QuestionRecord : undefined;
}

/** Reads a stored answer; `undefined` if it is none. */
export function parseAnswerRecord(text: string): AnswerRecord | undefined {
  const payload = parseObject(text)?.payload;
  if (!isObject(payload)) return undefined;
  const { question_id, answer, by, always, answered_at } = payload;
  if (typeof question_id !== "string" || typeof answered_at !== "string") return undefined;
  return {
    ...{ question_id, answered_at },
    ...(typeof answer === "string" && { answer }),
    ...(typeof by === "string" && { by }),
    ...(ALWAYS.includes(always as Always) && { always: always as Always }),
  };
}

function isText(value: unknown, max: number): value is string {
  return typeof value === "string" && value !== "" && value.length <= max;
}

function wrongText(name: string, value: unknown, max: number): string {
  const shown = typeof value === "string" ? `${value.length} characters` : describe(value);
  return `${name} is ${shown}, allowed is a text of 1 to ${max} characters`;
}

function described(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 65)) : describe(value);
}

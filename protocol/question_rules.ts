/**
 * Rules that people make when they answer a question: whenever the same is asked again in this session
 * and role, the same is answered. Agents say what is the same with a fingerprint, which is a text that
 * people read before they make a rule of it; only the whole text counts, not its beginning.
 *
 * @module
 */
import { invalidLabel, isObject, parseObject } from "./message.ts";

/** The most characters (Unicode code points) of a fingerprint. */
const MAX_FINGERPRINT_CHARACTERS = 200;
/** How far an answer may reach beyond its question. */
export const ALWAYS = ["session"] as const;
/** One of {@linkcode ALWAYS}. */
export type Always = typeof ALWAYS[number];
/** What a rule's id looks like, as a regular expression. */
export const RULE_ID_PATTERN = "^[0-9a-f]{16}$";

const ID = new RegExp(RULE_ID_PATTERN);
const FOR_SESSION = " for this session";

/** A rule as it is stored. */
export interface RuleRecord {
  readonly rule_id: string;
  readonly session_id: string;
  readonly role: string;
  /** What is asked. */
  readonly fingerprint: string;
  /** What is answered: one of the options of the question that it was made of. */
  readonly answer: string;
  /** Who has made it. */
  readonly by: string;
  /** ISO 8601. */
  readonly since: string;
  /** The question that was answered with it. */
  readonly question_id: string;
}

/** Says what is wrong with a fingerprint, if anything: it is 1 to 200 printable characters. */
export function invalidFingerprint(value: unknown): string | undefined {
  return invalidLabel("fingerprint", value, MAX_FINGERPRINT_CHARACTERS);
}

/** Whether a text is a rule's id. */
export function isRuleId(text: string): boolean {
  return ID.test(text);
}

/** Who has answered, if a rule has. */
export function answeredByRule({ rule_id, by }: RuleRecord): string {
  return `rule ${rule_id} of ${by}`;
}

/**
 * The answer that an option stands for: if "allow" is an option of a question with a fingerprint, then
 * its option "allow for this session" is "allow", always.
 */
export function meantAnswer(
  { fingerprint, options = [] }: {
    readonly fingerprint?: string;
    readonly options?: readonly string[];
  },
  answer: string,
): { readonly answer: string; readonly always?: Always } {
  if (fingerprint === undefined || !options.includes(answer) || !answer.endsWith(FOR_SESSION)) {
    return { answer };
  }
  const once = answer.slice(0, -FOR_SESSION.length);
  return options.includes(once) ? { answer: once, always: "session" } : { answer };
}

/** Reads a stored rule; `undefined` if it is none. */
export function parseRuleRecord(text: string): RuleRecord | undefined {
  const payload = parseObject(text)?.payload;
  if (!isObject(payload)) return undefined;
  const { rule_id, session_id, role, fingerprint, answer, by, since, question_id } = payload;
  const record = { rule_id, session_id, role, fingerprint, answer, by, since, question_id };
  const isWhole = Object.values(record).every((value) => typeof value === "string") &&
    isRuleId(String(rule_id));
  return isWhole ? record as RuleRecord : undefined;
}

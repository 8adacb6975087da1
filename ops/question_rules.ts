/**
 * Rules that answer questions: making, listing and removing them.
 *
 * @module
 */
import { changeSetting, type Connection, keptSettings, ruleId } from "@ourocodus/bus";
import {
  formatMessage,
  parseRuleRecord,
  type QuestionRecord,
  type RuleRecord,
  ruleSubject,
  ruleSubjects,
} from "@ourocodus/protocol";

/** Options of {@linkcode questionRules}. */
export interface QuestionRulesOptions {
  /** Only of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
}

/**
 * Makes a rule of the answer to a question, in the place of another about the same.
 *
 * @param question One with a fingerprint.
 * @throws {PublishError} If it cannot be stored; whether it is, is then not known.
 */
export async function makeRule(
  connection: Connection,
  { session_id, role, question_id, fingerprint }: QuestionRecord & { readonly fingerprint: string },
  { answer, by }: { readonly answer: string; readonly by: string },
): Promise<RuleRecord> {
  const rule_id = ruleId({ session_id, role, fingerprint });
  const since = new Date().toISOString();
  const rule = { rule_id, session_id, role, fingerprint, answer, by, since, question_id };
  const subject = ruleSubject(session_id, role, rule_id);
  await changeSetting(connection, subject, formatMessage(rule_id, "rule", rule));
  return rule;
}

/**
 * Lists rules, the oldest first.
 *
 * @throws {StreamError} If the stream cannot be read.
 */
export async function questionRules(
  connection: Connection,
  { session, role }: QuestionRulesOptions = {},
): Promise<RuleRecord[]> {
  const settings = await keptSettings(connection, ruleSubjects(session, role));
  return settings.map(({ text }) => parseRuleRecord(text)).filter((rule) => rule !== undefined);
}

/**
 * Removes a rule: what it was about is asked again, from now on.
 *
 * @returns Whether it was there; not if somebody has removed it, or made another, meanwhile.
 * @throws {PublishError} If it cannot be removed; whether it is, is then not known.
 * @throws {StreamError} If the stream cannot be read.
 */
export async function removeRule(
  connection: Connection,
  { session_id, role, rule_id }: Pick<RuleRecord, "session_id" | "role" | "rule_id">,
): Promise<boolean> {
  const subject = ruleSubject(session_id, role, rule_id);
  const [setting] = await keptSettings(connection, subject);
  if (setting === undefined) return false;
  return await changeSetting(connection, subject, "", { expected: setting.sequence });
}

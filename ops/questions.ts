/**
 * Questions of agents that wait for an answer, and answering them. Of several who answer at once, the
 * stream takes the first.
 *
 * @module
 */
import { jetstreamManager } from "@nats-io/jetstream";
import { nuid } from "@nats-io/nats-core";
import {
  type Connection,
  FENCE,
  PublishError,
  publishStored,
  readLastOf,
  readStored,
  StreamError,
} from "@ourocodus/bus";
import {
  type Always,
  type AnswerRecord,
  answersSubject,
  answerSubjects,
  eventsSubject,
  formatMessage,
  LOG_STREAM,
  meantAnswer,
  messageOf,
  parseAnswerRecord,
  parseQuestionRecord,
  type QuestionRecord,
  questionSubjects,
  RELAYS_QUESTIONS_SUBJECT,
  type RuleRecord,
  WORK_STREAM,
} from "@ourocodus/protocol";
import pLimit from "p-limit";
import { makeRule } from "./question_rules.ts";

/** Options of {@linkcode openQuestions}. */
export interface OpenQuestionsOptions {
  /** Only of this session, … */
  readonly session?: string;
  /** … and of this role. */
  readonly role?: string;
}

/** An answer, as somebody gives it. */
export interface GivenAnswer {
  readonly answer: string;
  /** Who answers, for those who are second. */
  readonly by: string;
  /** Whether it is a rule from now on, for the question's session and role. */
  readonly always?: Always;
}

/** What became of an answer. */
export type Answering =
  /** With the rule that was made of it. */
  | { readonly kind: "answered"; readonly answer: string; readonly rule?: RuleRecord }
  /** Somebody was faster, or its time was over. */
  | { readonly kind: "taken"; readonly answer: AnswerRecord }
  /** It is none of the options. */
  | { readonly kind: "no_option"; readonly options: readonly string[] }
  /** No rule can be made of it, since its agent does not say what it is about. */
  | { readonly kind: "no_fingerprint" };

const TIMEOUT_MS = 5_000;
const DECODER = new TextDecoder();
/** How many are read at once. */
const AT_ONCE = 64;

/**
 * Lists questions without an answer, of work that has no outcome, the oldest first.
 *
 * @throws {StreamError} If the log cannot be read.
 */
export async function openQuestions(
  connection: Connection,
  { session, role }: OpenQuestionsOptions = {},
): Promise<QuestionRecord[]> {
  try {
    const manager = await jetstreamManager(connection.nats, { checkAPI: false });
    const tails = async (filter: string) => {
      const { state } = await manager.streams.info(LOG_STREAM, { subjects_filter: filter });
      return Object.keys(state.subjects ?? {});
    };
    const answered = new Set((await tails(answerSubjects(session))).map(placeOf));
    const open = (await tails(questionSubjects(session))).filter((one) =>
      !answered.has(placeOf(one))
    );
    const limited = pLimit(AT_ONCE);
    const read = await Promise.all(
      open.map((subject) => limited(() => readOpen(connection, subject))),
    );
    return read.filter((question) => question !== undefined)
      .filter((question) => role === undefined || question.role === role)
      .sort((one, other) => one.asked_at < other.asked_at ? -1 : 1);
  } catch (error) {
    if (error instanceof StreamError) throw error;
    throw new StreamError(`Cannot read questions: ${messageOf(error)}`, { cause: error });
  }
}

async function readOpen(
  connection: Connection,
  subject: string,
): Promise<QuestionRecord | undefined> {
  const stored = await readLastOf(connection, LOG_STREAM, subject);
  const question = stored && parseQuestionRecord(DECODER.decode(stored.data));
  if (question === undefined) return undefined;
  // Nobody waits for what is finished.
  const work = await readStored(connection, WORK_STREAM, question.work_sequence);
  return work === undefined ? undefined : question;
}

/**
 * Answers a question, and makes a rule of the answer if it is to count always.
 *
 * @returns What became of it.
 * @throws {PublishError} If the answer cannot be stored; whether it is, is then not known. Or if it is,
 * but its rule is not.
 * @throws {StreamError} If the log cannot be read.
 */
export async function answerQuestion(
  connection: Connection,
  question: QuestionRecord,
  given: GivenAnswer,
): Promise<Answering> {
  const { question_id, session_id, role, options, fingerprint } = question;
  if (options !== undefined && !options.includes(given.answer)) {
    return { kind: "no_option", options };
  }
  const { answer, always = given.always } = meantAnswer(question, given.answer);
  if (always !== undefined && fingerprint === undefined) return { kind: "no_fingerprint" };
  const { by } = given;
  const subject = answersSubject(session_id, role, question_id);
  const record: AnswerRecord = {
    ...{ question_id, answer, by, ...(always !== undefined && { always }) },
    answered_at: new Date().toISOString(),
  };
  const { duplicate } = await publishStored(
    connection,
    subject,
    formatMessage(question_id, "answer", record),
    { headers: FENCE, stream: LOG_STREAM, timeoutMs: TIMEOUT_MS },
  );
  if (duplicate) {
    const stored = await readLastOf(connection, LOG_STREAM, subject);
    const taken = stored && parseAnswerRecord(DECODER.decode(stored.data));
    return { kind: "taken", answer: taken ?? { question_id, answered_at: "" } };
  }
  // Only an answer that counts becomes a rule. Relays are told of the answer even if that fails.
  let rule: RuleRecord | undefined;
  let failure: unknown;
  try {
    if (always !== undefined && fingerprint !== undefined) {
      rule = await makeRule(connection, { ...question, fingerprint }, { answer, by });
    }
  } catch (error) {
    failure = error;
  }
  const notice = { question_id, ...(rule !== undefined && { rule_id: rule.rule_id }) };
  connection.nats.publish(RELAYS_QUESTIONS_SUBJECT, JSON.stringify(notice));
  await recordAnswered(connection, question, { answer, by });
  if (failure === undefined) {
    return { kind: "answered", answer, ...(rule !== undefined && { rule }) };
  }
  const message = `The answer to ${question_id} counts, but it is no rule: ${messageOf(failure)}`;
  throw new PublishError(message, { cause: failure });
}

async function recordAnswered(
  connection: Connection,
  { session_id, role, work_id, work_sequence, question_id }: QuestionRecord,
  answered: Pick<GivenAnswer, "answer" | "by">,
): Promise<void> {
  const event = nuid.next();
  const item = { seq: work_sequence, id: work_id, role, question_id, ...answered };
  const text = formatMessage(event, "question.answered", { work: [item] });
  await publishStored(connection, eventsSubject(session_id), text, {
    headers: { "Nats-Msg-Id": event },
    stream: LOG_STREAM,
    timeoutMs: TIMEOUT_MS,
  });
}

/** A subject without its kind: the same for a question and its answer. */
function placeOf(subject: string): string {
  const [, session, , role, id] = subject.split(".");
  return `${session} ${role} ${id}`;
}

/**
 * Questions of agents: each is stored, waits for its one answer, and is answered to whoever has the
 * work then. A question that is asked again, by a further attempt, gets the answer that is stored. One
 * about which people have made a rule is answered by it, see `RuleRecord`.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import type { Msg, Subscription } from "@nats-io/nats-core";
import { type Connection, type LogWriter, readRule, ruleId, type RulePlace } from "@ourocodus/bus";
import {
  answeredByRule,
  type AnswerPayload,
  type AnswerRecord,
  answersSubject,
  type AskPayload,
  formatMessage,
  messageOf,
  parseAsk,
  parseObject,
  questionId,
  type QuestionRecord,
  questionsSubject,
  RELAY_TYPE,
  RELAYS_QUESTIONS_SUBJECT,
} from "@ourocodus/protocol";
import type { AgentConnection } from "./agent_connection.ts";
import type { Attempt } from "./attempt.ts";
import { attemptItem } from "./attempt_effects.ts";
import type { Journal } from "./journal.ts";
import type { OutcomeReader } from "./outcome_reader.ts";

/** What {@linkcode Questions} work with. */
export interface QuestionsOptions {
  readonly connection: Connection;
  readonly writer: LogWriter;
  readonly reader: OutcomeReader;
  readonly journal: Journal;
  /** Something waits to be sent. */
  readonly onAnswer: () => void;
}

/** How often is looked whether somebody has answered, in milliseconds: a notice may be lost. */
const LOOK_MS = 2_000;
/** The most questions of one attempt that wait at once. */
const MAX_OPEN = 64;
const log = getLogger(["ourocodus", "relay"]);

/** A question that waits. */
interface Open {
  readonly attempt: Attempt;
  readonly ask: AskPayload;
  readonly lease: string;
  readonly expiresAt: number;
  /** What a rule that answers it is about. */
  readonly place?: RulePlace;
  /** Whether there may be such a rule. */
  mayHaveRule: boolean;
  /** Whether its answer is being looked for. */
  isLooking: boolean;
}

/** The questions of a relay's agents. */
export class Questions {
  readonly #options: QuestionsOptions;
  readonly #open = new Map<string, Open>();
  /** How many questions of an attempt wait. */
  readonly #counts = new Map<Attempt, number>();
  readonly #subscription: Subscription;
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(options: QuestionsOptions) {
    this.#options = options;
    this.#subscription = options.connection.subscribe(RELAYS_QUESTIONS_SUBJECT, (error, notice) => {
      if (!error) this.#noticed(notice);
    });
    this.#timer = setInterval(() => this.#lookAtAll(), LOOK_MS);
  }

  /** An agent asks something about an attempt that it has. */
  ask(agent: AgentConnection, attempt: Attempt, payload: Record<string, unknown>): void {
    const ask = parseAsk(payload);
    const lease = attempt.offered;
    if (typeof ask === "string") return agent.refuse("invalid_question", ask, lease);
    const count = this.#counts.get(attempt) ?? 0;
    if (count >= MAX_OPEN) {
      const reason = `${count} questions about this work wait already, which is the limit`;
      return agent.refuse("invalid_question", reason, lease);
    }
    const id = questionId(attempt.lease.work, ask.key);
    const expiresAt = Date.now() + ask.timeout_ms;
    const { fingerprint } = ask;
    const place = fingerprint === undefined
      ? undefined
      : { session_id: attempt.session, role: attempt.role, fingerprint };
    const open: Open = {
      ...{ attempt, ask, lease, expiresAt, ...(place && { place }) },
      ...{ mayHaveRule: place !== undefined, isLooking: true },
    };
    if (!this.#open.has(id)) this.#counts.set(attempt, count + 1);
    this.#open.set(id, open);
    attempt.time?.waits(true);
    this.#store(id, open);
  }

  /** @returns Whether its attempt has no other question. */
  #delete(id: string, { attempt }: Open): boolean {
    this.#open.delete(id);
    const left = (this.#counts.get(attempt) ?? 1) - 1;
    if (left > 0) this.#counts.set(attempt, left);
    else this.#counts.delete(attempt);
    return left <= 0;
  }

  /** Hears nothing more. */
  close(): void {
    this.#subscription.unsubscribe();
    clearInterval(this.#timer);
  }

  #store(id: string, open: Open): void {
    const { attempt, ask, expiresAt } = open;
    const { session, role } = attempt;
    const { key: _, timeout_ms: __, ...asked } = ask;
    const record: QuestionRecord = {
      question_id: id,
      ...asked,
      ...{ session_id: session, role, work_id: attempt.id, work_sequence: attempt.lease.sequence },
      ...{ attempt: attempt.number, agent_id: attempt.agentId ?? "" },
      asked_at: new Date().toISOString(),
      expires_at: new Date(expiresAt).toISOString(),
    };
    this.#options.writer.append({
      subject: questionsSubject(session, role, id),
      data: formatMessage(id, "question", record),
      id: `question.${id}`,
      fenced: true,
      onSettled: ({ kind }) => {
        if (kind === "stored") {
          const item = attemptItem(attempt, { question_id: id, question: ask.question });
          this.#options.journal.work(session, "question.asked", item);
        }
        open.isLooking = false;
        void this.#look(id, open);
      },
    });
  }

  /** Looks whether it is answered, or its time over. */
  async #look(id: string, open: Open): Promise<void> {
    if (open.isLooking || this.#open.get(id) !== open) return;
    const { attempt, lease } = open;
    const holder = attempt.holder;
    if (attempt.state !== "running" || holder === undefined) {
      // Its agent asks again when it is back; another one may ask the same.
      if (attempt.state === "ended" || attempt.state === "settling") this.#delete(id, open);
      return;
    }
    open.isLooking = true;
    try {
      const answer = await this.#options.reader.answerOf(attempt, id);
      if (answer === undefined) {
        if (Date.now() >= open.expiresAt) this.#expire(id, open);
        else await this.#answerByRule(id, open);
        return;
      }
      const { answer: text, by } = answer;
      if (this.#delete(id, open)) attempt.time?.waits(false);
      const payload: AnswerPayload = {
        ...{ lease, key: open.ask.key },
        ...(text !== undefined && { answer: text }),
        ...(by !== undefined && { by }),
      };
      (holder as AgentConnection).tell(RELAY_TYPE.answer, payload);
      this.#options.onAnswer();
    } catch (error) {
      log.error("a question cannot be answered", { id, error: messageOf(error) });
    } finally {
      open.isLooking = false;
    }
  }

  /** Somebody may have said what is always answered to this. */
  async #answerByRule(id: string, open: Open): Promise<void> {
    const { place, ask: { options } } = open;
    if (place === undefined || !open.mayHaveRule) return;
    // If it cannot be read, people are asked.
    open.mayHaveRule = false;
    const rule = await readRule(this.#options.connection, place);
    if (rule === undefined || !options?.includes(rule.answer)) return;
    this.#answer(id, open, { answer: rule.answer, by: answeredByRule(rule) }, "question.answered");
  }

  /** Nobody has answered in time: the default is the answer. */
  #expire(id: string, open: Open): void {
    const { default: answer } = open.ask;
    this.#answer(id, open, { ...(answer !== undefined && { answer }) }, "question.expired");
  }

  /** Answers in the place of a person, unless one is faster. */
  #answer(
    id: string,
    open: Open,
    answer: Pick<AnswerRecord, "answer" | "by">,
    event: "question.answered" | "question.expired",
  ): void {
    const { attempt } = open;
    const { session, role } = attempt;
    const record = { question_id: id, ...answer, answered_at: new Date().toISOString() };
    this.#options.writer.append({
      subject: answersSubject(session, role, id),
      data: formatMessage(id, "answer", record),
      id: `answer.${id}`,
      fenced: true,
      onSettled: ({ kind }) => {
        if (kind === "stored") {
          const told = event === "question.answered" ? answer : {};
          const item = attemptItem(attempt, { question_id: id, ...told });
          this.#options.journal.work(session, event, item);
        }
        open.isLooking = false;
        void this.#look(id, open);
      },
    });
  }

  #lookAtAll(): void {
    for (const [id, open] of this.#open) void this.#look(id, open);
  }

  /** A question is answered, and perhaps there is a new rule that others wait for. */
  #noticed(notice: Msg): void {
    const { question_id: id, rule_id: rule } = parseObject(notice.string()) ?? {};
    const open = typeof id === "string" ? this.#open.get(id) : undefined;
    if (open !== undefined) void this.#look(String(id), open);
    if (typeof rule !== "string") return;
    for (const [other, waiting] of this.#open) {
      if (waiting.place === undefined || ruleId(waiting.place) !== rule) continue;
      waiting.mayHaveRule = true;
      void this.#look(other, waiting);
    }
  }
}

/**
 * What is known of work's outcomes: asked of the work's stream, from which answered work is gone, and
 * of the log, because a relay may die between storing an outcome and acknowledging its work. It asks
 * until there is an answer, however long NATS is away.
 *
 * @module
 */
import {
  type AcceptedOutcome,
  type Connection,
  deadLetterId,
  OutcomeLookup,
  readLog,
  readStored,
  readSurelyLastOf,
  readSurelyNextOf,
  type StoredMessage,
  workIdentity,
} from "@ourocodus/bus";
import {
  type AnswerRecord,
  answersSubject,
  type AttemptRecord,
  attemptsSubject,
  attemptsSubjects,
  deadSubject,
  type Lease,
  LOG_STREAM,
  messageOf,
  NO_ATTEMPTS,
  parseAnswerRecord,
  parseAttemptRecord,
  parseMessage,
  parseSubject,
  pause,
  RoleId,
  WORK_STREAM,
  workStoredAt,
  workSubject,
} from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { Found } from "./attempt_effects.ts";
import type { Reason } from "./dead_letter.ts";

/** The work that is asked about. */
export interface AskedWork {
  readonly session: string;
  readonly role: string;
  readonly lease: Lease;
}

/** What outcomes are asked with. */
export interface OutcomeReaderOptions {
  readonly connection: Connection;
  /** Told why there is no answer yet. */
  readonly onProblem: (reason: string) => void;
}

const DECODER = new TextDecoder();
const RETRY_MS = 500;
/** How many questions to NATS wait for answers at once; with more, they would only time out. */
const MAX_QUESTIONS = 128;

/** Asks for outcomes. */
export class OutcomeReader {
  readonly #options: OutcomeReaderOptions;
  readonly #answered: OutcomeLookup;
  readonly #questions = pLimit(MAX_QUESTIONS);
  readonly #closing = new AbortController();

  constructor(options: OutcomeReaderOptions) {
    this.#options = options;
    this.#answered = new OutcomeLookup(options.connection);
  }

  /** Whether it asks no more: what it says then means nothing. */
  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /**
   * Finds out whether work has an outcome. Waits until stream and log can be asked.
   *
   * @returns `undefined` if this was closed before there was an answer: then nothing is known, and
   * nothing may be done to the work.
   */
  async lookUp(work: AskedWork): Promise<Found | undefined> {
    const data = await this.waiting(work.lease);
    if (this.closed) return undefined;
    if (data === undefined) return { kind: "gone" };
    const [found, record] = await Promise.all([this.#find(work), this.record(work)]);
    if (found === undefined || record === undefined) return undefined;
    const { accepted } = found;
    if (accepted !== undefined) return { kind: "answered", data, accepted };
    return { kind: "open", data, record };
  }

  /** What the work's ended attempts have left. @returns `undefined` once this is closed. */
  async record({ session, role, lease }: AskedWork): Promise<AttemptRecord | undefined> {
    const { connection } = this.#options;
    const subject = attemptsSubject(session, role, lease.work);
    return await this.#persist(async () => {
      const stored = await readSurelyLastOf(connection, LOG_STREAM, subject);
      return stored && parseAttemptRecord(DECODER.decode(stored.data)) || NO_ATTEMPTS;
    });
  }

  /** The answer to a question about work, if there is one. */
  async answerOf(
    { session, role }: Pick<AskedWork, "session" | "role">,
    id: string,
  ): Promise<AnswerRecord | undefined> {
    const { connection } = this.#options;
    const subject = answersSubject(session, role, id);
    return await this.#persist(async () => {
      const stored = await readSurelyLastOf(connection, LOG_STREAM, subject);
      return stored && parseAnswerRecord(DECODER.decode(stored.data));
    });
  }

  /** Whether any work of a role has a record of attempts. @returns `undefined` once this is closed. */
  async hasRecords({ session, role }: Pick<AskedWork, "session" | "role">): Promise<
    boolean | undefined
  > {
    const { connection } = this.#options;
    const subjects = attemptsSubjects(session, role);
    return await this.#persist(async () => {
      return await readSurelyLastOf(connection, LOG_STREAM, subjects) !== undefined;
    });
  }

  /** The outcome that was accepted for work, if the log has one. */
  async accepted(work: AskedWork): Promise<AcceptedOutcome | undefined> {
    return (await this.#find(work))?.accepted;
  }

  /** The work as it is in the stream, `undefined` if it is gone. */
  async waiting(lease: Lease): Promise<Uint8Array | undefined> {
    const { connection } = this.#options;
    const stored = await this.#persist(() => readStored(connection, WORK_STREAM, lease.sequence));
    if (stored === undefined || workIdentity(stored) !== lease.work) {
      return undefined;
    }
    // The lease may come from an agent, which then named its own role but any sequence.
    return isOf(lease.roleKey, stored.subject) ? stored.data : undefined;
  }

  /**
   * The first work item of a role after a sequence that is in the stream.
   *
   * @returns `undefined` once this is closed.
   */
  async nextWaiting(
    { session, role }: RoleId,
    after: number,
  ): Promise<{ readonly found: StoredMessage | undefined } | undefined> {
    const { connection } = this.#options;
    const subject = workSubject(session, role);
    return await this.#persist(async () => {
      return { found: await readSurelyNextOf(connection, WORK_STREAM, subject, after) };
    });
  }

  /** The role's work item with a sequence, if it is in the stream. @returns As {@linkcode nextWaiting}. */
  async waitingAt(
    { key }: RoleId,
    sequence: number,
  ): Promise<{ readonly found: StoredMessage | undefined } | undefined> {
    const { connection } = this.#options;
    return await this.#persist(async () => {
      const stored = await readStored(connection, WORK_STREAM, sequence);
      return { found: stored && isOf(key, stored.subject) ? stored : undefined };
    });
  }

  /** Whether dead work has its dead letter. */
  async hasDeadLetter({ session, role, lease }: AskedWork): Promise<boolean> {
    const { connection } = this.#options;
    const since = workStoredAt(lease);
    const has = await this.#persist(async () => {
      const letters = readLog(connection, deadSubject(session, role), { since, headersOnly: true });
      for await (const { messageId } of letters) {
        if (messageId === deadLetterId(lease.work)) return true;
      }
      return false;
    });
    return has ?? true;
  }

  /** What an error result in the log says. */
  async errorAt(sequence: number): Promise<Reason & { readonly attempts?: number }> {
    const { connection } = this.#options;
    const stored = await this.#persist(() => readStored(connection, LOG_STREAM, sequence));
    const parsed = parseMessage(DECODER.decode(stored?.data));
    const { code, message, attempts } = parsed.kind === "ok" ? parsed.message.payload : {};
    return {
      code: typeof code === "string" ? code : "unknown",
      message: typeof message === "string" ? message : "",
      ...(typeof attempts === "number" && { attempts }),
    };
  }

  /** Stops waiting: lookups under way end without an answer. */
  close(): void {
    this.#closing.abort();
  }

  async #find(
    { session, role, lease }: AskedWork,
  ): Promise<{ readonly accepted: AcceptedOutcome | undefined } | undefined> {
    const { work, storedAtMs } = lease;
    return await this.#persist(async () => {
      return { accepted: await this.#answered.find({ session, role, work, storedAtMs }) };
    });
  }

  /** Asks again and again until there is an answer; `undefined` once this is closed. */
  async #persist<T>(ask: () => Promise<T>): Promise<T | undefined> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        // What is asked while the connection is lost can only time out.
        if (this.#options.connection.connected) return await this.#questions(ask);
      } catch (error) {
        this.#options.onProblem(messageOf(error));
      }
      await pause(RETRY_MS, signal);
    }
    return undefined;
  }
}

/** Whether a subject is that of a role's work. */
function isOf(roleKey: string, subject: string): boolean {
  const parsed = parseSubject(subject);
  return parsed?.kind === "work" && new RoleId(parsed.session, parsed.role).key === roleKey;
}

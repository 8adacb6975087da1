/**
 * Questions of handlers that wait for an answer. They survive broken connections: what waits is asked
 * again as soon as the attempt is resumed, and the relay has the answer that was stored meanwhile.
 *
 * @module
 */
import { AGENT_TYPE, type AnswerPayload, parseAsk, QUESTION_MS } from "@ourocodus/protocol";
import { createHash } from "node:crypto";
import { type Attempt, reportLine } from "./answer.ts";
import { OptionError, QuestionError } from "./errors.ts";

/** What a handler asks. */
export interface Question {
  /** For people: 1 to 4,000 characters. */
  readonly question: string;
  /** What may be answered, 1 to 50 texts; anything if it is missing. */
  readonly options?: readonly string[];
  /** How long it waits for an answer, in milliseconds, 1 to 2 592 000 000; an hour by default. */
  readonly timeoutMs?: number;
  /** What counts if nobody answers in time; one of the options, if there are some. */
  readonly default?: string;
  /**
   * What is asked about, for people, in 1 to 200 printable characters; only with options. Who answers
   * may make a rule of it: then the same is answered whenever this fingerprint is asked about in this
   * session and role. So it must have everything in it that makes a difference.
   */
  readonly fingerprint?: string;
}

/** What it is answered. */
export interface QuestionAnswer {
  /** Undefined if nobody has answered in time, and there is no default. */
  readonly answer: string | undefined;
  /** Who has answered; undefined if nobody has. */
  readonly by: string | undefined;
}

interface Waiting {
  readonly lease: string;
  readonly line: string;
  readonly resolve: (answer: QuestionAnswer) => void;
  readonly reject: (error: Error) => void;
}

/** The questions of an agent. */
export class Questions {
  readonly #waiting = new Map<string, Waiting>();
  /** How often an attempt has asked the same. */
  readonly #asked = new Map<string, Map<string, number>>();
  readonly #send: (line: string) => void;

  /** @param send Sends a line, if there is a connection. */
  constructor(send: (line: string) => void) {
    this.#send = send;
  }

  /**
   * Asks.
   *
   * @param isDetached Whether the connection that brought the work is gone: then it is asked later.
   * @throws {OptionError} If the question cannot be asked.
   * @throws {QuestionError} If the relay refuses it.
   */
  ask(
    attempt: Attempt,
    { question, options, timeoutMs = QUESTION_MS, default: otherwise, fingerprint }: Question,
    isDetached: boolean,
  ): Promise<QuestionAnswer> {
    const { lease } = attempt;
    const payload = {
      key: this.#key(lease, JSON.stringify([question, options, otherwise])),
      ...{ question, options, default: otherwise, timeout_ms: timeoutMs, fingerprint },
    };
    const checked = parseAsk(payload);
    if (typeof checked === "string") throw new OptionError(`Cannot ask: ${checked}`);
    const line = reportLine(attempt, { type: AGENT_TYPE.ask, payload: checked });
    if (line.kind === "invalid") throw new OptionError(`Cannot ask: ${line.reason}`);
    return new Promise((resolve, reject) => {
      this.#waiting.set(idOf(lease, payload.key), { lease, line: line.text, resolve, reject });
      if (!isDetached) this.#send(line.text);
    });
  }

  /** A relay has answered. */
  answered({ lease, key, answer, by }: AnswerPayload): void {
    const id = idOf(lease, key);
    this.#waiting.get(id)?.resolve({ answer, by });
    this.#waiting.delete(id);
  }

  /** A connection has taken an attempt over: what it waits for is asked again. */
  attached(lease: string): void {
    for (const waiting of this.#of(lease)) this.#send(waiting[1].line);
  }

  /** A relay refuses what an attempt has asked. */
  refused(lease: string, code: string, message: string): void {
    this.#end(lease, new QuestionError(code, message));
  }

  /** An attempt has ended. */
  ended(lease: string, reason: Error): void {
    this.#end(lease, reason);
    this.#asked.delete(lease);
  }

  #end(lease: string, error: Error): void {
    for (const [id, { reject }] of this.#of(lease)) {
      this.#waiting.delete(id);
      reject(error);
    }
  }

  #of(lease: string): [string, Waiting][] {
    return [...this.#waiting].filter(([, waiting]) => waiting.lease === lease);
  }

  /** The same at each attempt that asks the same in the same order. */
  #key(lease: string, text: string): string {
    const hash = createHash("sha256").update(text).digest("hex").slice(0, 16);
    let asked = this.#asked.get(lease);
    if (asked === undefined) this.#asked.set(lease, asked = new Map());
    const count = (asked.get(hash) ?? 0) + 1;
    asked.set(hash, count);
    return `${hash}-${count}`;
  }
}

function idOf(lease: string, key: string): string {
  return `${lease} ${key}`;
}

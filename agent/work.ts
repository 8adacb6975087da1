import type { Message } from "@ourocodus/protocol";
import type { Question, QuestionAnswer } from "./questions.ts";

/** A work item, as it is handed to a handler. */
export interface Work {
  /** The publisher's id; not necessarily unique. */
  readonly id: string;
  /** What the publisher called it, mostly `work`. */
  readonly type: string;
  /** What is to be done: a JSON object between the publisher and the agent. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** Which attempt at this work it is, from 1. */
  readonly attempt: number;
  /** The work item's sequence in the queue; 0 from a relay whose leases do not tell it. */
  readonly sequence: number;
  /**
   * The work item's identity, `{sequence}.{time stored}`: the same at every attempt, and never that
   * of another work item, also in a queue that was made anew. Of `0-9` and `.`; from a relay whose
   * leases do not tell it, the lease itself.
   */
  readonly key: string;
  /** The whole message as it came, with fields that are not listed here. */
  readonly message: Message;
}

/** What a handler can do besides returning. */
export interface WorkContext {
  /**
   * Tells those who follow the session how far the work is. It is sent as soon as possible, is
   * not kept while the relay is away, and does nothing once the work has ended.
   *
   * @param payload A text, sent as `{"message": text}`, or anything with a JSON form; what is not
   * an object is sent as `{"value": …}`.
   */
  progress(payload: unknown): void;
  /**
   * Asks a person something about this work, and waits for the answer. It is stored: a further attempt
   * that asks the same, in the same order, gets the answer that was given. `ourocodus questions` lists
   * what waits.
   *
   * @returns The answer; the default, if nobody answers in time.
   * @throws {OptionError} If the question cannot be asked.
   * @throws {QuestionError} If the relay refuses it, or is too old to know questions.
   * @throws {WorkAbortedError} If the work is aborted meanwhile.
   */
  ask(question: Question): Promise<QuestionAnswer>;
  /** Which attempt at this work it is, from 1. */
  readonly attempt: number;
  /**
   * Aborted when the work's result is no longer wanted: the relay cancelled it, `serve` was
   * stopped and its time to finish is over, or the agent was told not to come back; its reason is a
   * `WorkAbortedError` that says which. What the
   * handler returns or throws after that is dropped. One that goes on anyway counts towards
   * `concurrency` for 30 seconds more.
   */
  readonly signal: AbortSignal;
  /**
   * Has a function called when a relay has confirmed that this attempt's result is stored; never if
   * another attempt's was. What it throws is dropped.
   */
  onStored(listener: () => void): void;
  /**
   * The largest payload of a result that the relay takes, in bytes of its JSON text. A larger one
   * becomes an error. Asked for anew each time: after a reconnection it may be another.
   */
  readonly maxPayloadBytes: number;
  readonly session: string;
  readonly role: string;
  readonly agentId: string;
}

/**
 * What an agent does with a work item.
 *
 * What it returns, or resolves to, becomes the result's payload: an object as it is, `undefined`
 * as `{}`, anything else as `{"value": …}`. A {@linkcode RetryableError} that it throws gives the
 * work back. Any other error is the work's final result, of type `error`, with the payload
 * `{message, name?, code?}`; a {@linkcode WorkError} has further fields.
 */
export type Handler = (work: Work, context: WorkContext) => unknown;

/** A work item with what tells its attempt from others. */
export interface LeasedWork {
  readonly work: Work;
  /** Names the attempt; opaque. */
  readonly lease: string;
}

/**
 * Requests, each answered once. nats.js has them too, but looks at the headers of answers before
 * anybody else does, and reads nothing more from its connection if they are malformed: those of a
 * message that somebody sent may be.
 *
 * @module
 */
import {
  type Msg,
  type NatsConnection,
  NoRespondersError,
  PermissionViolationError,
  type Subscription,
  TimeoutError,
} from "@nats-io/nats-core";
import { NO_RESPONDERS, statusOf } from "./message_headers.ts";

/** What requests need of a connection. */
export interface Requester {
  readonly nats: Pick<NatsConnection, "publish">;
  createInbox(): string;
  subscribe(subject: string, callback: (error: Error | null, msg: Msg) => void): Subscription;
}

interface Pending {
  readonly subject: string;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: Error) => void;
}

/** The requests of one connection. */
export class Requests {
  readonly #requester: Requester;
  /** Last token of the inbox → who waits. */
  readonly #pending = new Map<string, Pending>();
  #inbox = "";
  #subscription: Subscription | undefined;
  #count = 0;

  constructor(requester: Requester) {
    this.#requester = requester;
  }

  /**
   * Asks, and waits for the first answer.
   *
   * @throws {NoRespondersError} If nobody listens.
   * @throws {PermissionViolationError} If this client may not ask there, or hear answers.
   * @throws {TimeoutError} If there is no answer in time.
   */
  async ask(subject: string, text: string, timeoutMs: number): Promise<Msg> {
    this.#listen();
    const token = String(++this.#count);
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    const timer = setTimeout(() => reject(new TimeoutError()), timeoutMs);
    this.#pending.set(token, { subject, resolve, reject });
    try {
      this.#requester.nats.publish(subject, text, { reply: `${this.#inbox}.${token}` });
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(token);
    }
  }

  /** The server has refused to take a message for this subject. */
  denied(error: PermissionViolationError): void {
    for (const { subject, reject } of this.#pending.values()) {
      if (subject === error.subject) reject(error);
    }
  }

  /** No answer can come any more to what was asked so far. */
  end(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
  }

  #listen(): void {
    if (this.#subscription !== undefined && !this.#subscription.isClosed()) return;
    this.#inbox = this.#requester.createInbox();
    this.#subscription = this.#requester.subscribe(`${this.#inbox}.*`, (error, answer) => {
      if (error) return this.end(error);
      const pending = this.#pending.get(answer.subject.slice(this.#inbox.length + 1));
      if (pending === undefined) return;
      const nobody = answer.data.length === 0 && statusOf(answer).code === NO_RESPONDERS;
      if (nobody) pending.reject(new NoRespondersError(pending.subject));
      else pending.resolve(answer);
    });
  }
}

/**
 * Requests that any number may answer: nobody has a list of who is there.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";
import type { Connection } from "./connection.ts";
import { NO_RESPONDERS, statusOf } from "./nats_js/message_headers.ts";

/** Options of {@linkcode askMany}. */
export interface AskManyOptions {
  /** How long to wait for answers, in milliseconds. */
  readonly waitMs: number;
  /** Told of each answer. @returns Whether it was enough. */
  readonly onAnswer: (answer: Msg) => boolean;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/**
 * Publishes a request, and hears what comes.
 *
 * @param bodies JSON: the parts of the request, each of which fits the server's payload limit.
 * @returns Whether the server says that nobody listens. Resolves then, when there was enough, when the
 * time is over, or when the signal was aborted.
 */
export async function askMany(
  connection: Connection,
  subject: string,
  bodies: readonly unknown[],
  { waitMs, onAnswer, signal }: AskManyOptions,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let isNobodyThere = false;
  const inbox = connection.createInbox();
  const subscription = connection.subscribe(inbox, (error, answer) => {
    if (error) return resolve();
    isNobodyThere = statusOf(answer).code === NO_RESPONDERS;
    if (isNobodyThere || onAnswer(answer)) resolve();
  });
  subscription.closed.then(() => resolve());
  const timer = setTimeout(resolve, waitMs);
  const onAbort = () => resolve();
  signal?.addEventListener("abort", onAbort);
  try {
    for (const body of bodies) {
      connection.nats.publish(subject, JSON.stringify(body), { reply: inbox });
    }
    await promise;
    return isNobodyThere;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    subscription.unsubscribe();
  }
}

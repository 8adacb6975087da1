/**
 * How work is sent.
 *
 * Invariants:
 * 1. A work item counts as stored only when the server has acknowledged that very message.
 * 2. What is not acknowledged is published again, under the same `Nats-Msg-Id`, until it is, or
 *    until it is reported as failed or unconfirmed.
 * 3. No more than a window of messages is in memory.
 *
 * Messages are published plainly with one inbox for all acknowledgements, which costs about half
 * of what a request per message does.
 *
 * @module
 */
import { headers, type Msg, PermissionViolationError, type Status } from "@nats-io/nats-core";
import {
  type Connection,
  ensureStreams,
  parsePublishAck,
  PublishError,
  StreamError,
  TurnoverMap,
} from "@ourocodus/bus";
import { messageOf } from "@ourocodus/protocol";
import { type PreparedWork, prepareWork, type Work } from "./prepare_work.ts";
import type { SendAllOptions, SendSummary } from "./send_options.ts";
import { isPassing, refusesAll } from "./send_refusal.ts";

const DEFAULT_BULK_TIMEOUT_MS = 60_000;
const DEFAULT_ACK_TIMEOUT_MS = 5_000;
const DEFAULT_WINDOW = 2_048;
const DEFAULT_WINDOW_BYTES = 8 * 2 ** 20;
const TICK_MS = 100;
/** How long to wait, when told to stop, for acknowledgements that are on their way. */
const STOP_GRACE_MS = 2_000;

interface Outgoing<W> extends PreparedWork {
  readonly work: W;
  sentAt: number;
  tries: number;
}

/** One run of sending: keeps what is not acknowledged, and publishes it until it is. */
export class WorkSender<W extends Work> {
  readonly #connection: Connection;
  readonly #options: SendAllOptions<W>;
  readonly #inbox: string;
  /** By number, in the order in which they were published last. */
  readonly #outgoing = new TurnoverMap<number, Outgoing<W>>();
  #outgoingBytes = 0;
  #nextNumber = 1;
  #stored = 0;
  #duplicates = 0;
  #failed = 0;
  #stopped: Error | undefined;
  #sourceError: Error | undefined;
  #progressAt = performance.now();
  #repairing: Promise<void> | undefined;
  /** Whether the streams were seen, or made. */
  #hasStreams = false;
  #wake: () => void = () => {};

  constructor(connection: Connection, options: SendAllOptions<W>) {
    this.#connection = connection;
    this.#options = options;
    this.#inbox = connection.createInbox();
  }

  /** Sends what the source has; called once. @returns What `sendAllWork` does. */
  async run(source: Iterable<W> | AsyncIterable<W>): Promise<SendSummary> {
    const { signal } = this.#options;
    const abort = () => this.#stop(reasonOf(signal));
    const acknowledgements = this.#connection.subscribe(`${this.#inbox}.*`, (error, message) => {
      if (!error) this.#acknowledged(message);
    });
    const statuses = this.#connection.nats.status();
    const watched = this.#watch(statuses);
    const unlisten = this.#connection.listen({ onRestored: () => this.#publishAll() });
    const timer = setInterval(() => this.#tick(), TICK_MS);
    signal?.addEventListener("abort", abort, { once: true });
    try {
      if (signal?.aborted) abort();
      await this.#sendFrom(source);
      await this.#settle();
    } finally {
      clearInterval(timer);
      signal?.removeEventListener("abort", abort);
      unlisten();
      (statuses as unknown as { stop(): void }).stop();
      await watched;
      acknowledgements.unsubscribe();
    }
    return {
      stored: this.#stored,
      duplicates: this.#duplicates,
      failed: this.#failed,
      unconfirmed: this.#outgoing.size,
      stopped: this.#stopped ?? this.#sourceError,
    };
  }

  async #sendFrom(source: Iterable<W> | AsyncIterable<W>): Promise<void> {
    const iterator = Symbol.asyncIterator in source
      ? source[Symbol.asyncIterator]()
      : source[Symbol.iterator]();
    try {
      while (this.#stopped === undefined) {
        const next = await this.#unlessStopped(() => iterator.next());
        if (next === undefined || next.done) return;
        this.#progressAt = Math.max(this.#progressAt, this.#idleSince());
        await this.#send(next.value);
      }
    } catch (error) {
      this.#sourceError = error instanceof Error ? error : new Error(String(error));
    } finally {
      // Not awaited: a generator that is waiting for its own input never gets to its return.
      Promise.resolve(iterator.return?.()).catch(() => {});
    }
  }

  /** While nothing is outstanding, waiting for the source is no lack of progress. */
  #idleSince(): number {
    return this.#outgoing.size === 0 ? performance.now() : 0;
  }

  async #send(work: W): Promise<void> {
    const outgoing = this.#prepare(work);
    if (outgoing === undefined) return;
    await this.#until(() => this.#hasRoomFor(outgoing.data.length));
    if (this.#stopped !== undefined) return;
    const number = this.#nextNumber++;
    this.#outgoing.set(number, outgoing);
    this.#outgoingBytes += outgoing.data.length;
    // While the connection is away it waits; all that is outstanding is published afterwards.
    if (this.#connection.connected) this.#publish(number, outgoing);
  }

  #prepare(work: W): Outgoing<W> | undefined {
    try {
      const prepared = prepareWork(work, this.#connection.maxPayloadBytes);
      return { work, ...prepared, sentAt: 0, tries: 0 };
    } catch (error) {
      const failure = error instanceof PublishError
        ? error
        : new PublishError(messageOf(error), { cause: error });
      this.#fail(work, failure);
      return undefined;
    }
  }

  #hasRoomFor(bytes: number): boolean {
    const { window = DEFAULT_WINDOW, windowBytes = DEFAULT_WINDOW_BYTES } = this.#options;
    return this.#outgoing.size < window &&
      (this.#outgoing.size === 0 || this.#outgoingBytes + bytes <= windowBytes);
  }

  #publish(number: number, outgoing: Outgoing<W>): void {
    outgoing.sentAt = performance.now();
    outgoing.tries++;
    const header = headers();
    for (const [name, value] of Object.entries(outgoing.headers)) header.set(name, value);
    this.#connection.nats.publish(outgoing.subject, outgoing.data, {
      headers: header,
      reply: `${this.#inbox}.${number}`,
    });
  }

  /** Publishes again whatever is outstanding: it may have been lost with the connection. */
  #publishAll(): void {
    for (const [number, outgoing] of [...this.#outgoing.entries()]) {
      this.#publishAgain(number, outgoing);
    }
    this.#wake();
  }

  #publishAgain(number: number, outgoing: Outgoing<W>): void {
    this.#outgoing.delete(number);
    this.#outgoing.set(number, outgoing);
    this.#publish(number, outgoing);
  }

  #acknowledged(message: Msg): void {
    const number = Number(message.subject.slice(this.#inbox.length + 1));
    const outgoing = this.#outgoing.get(number);
    if (outgoing === undefined) return;
    const ack = parsePublishAck(message);
    const wrong = refusesAll(ack);
    if (wrong !== undefined) {
      const error = cannotPublish(outgoing.subject, wrong);
      this.#forget(number, outgoing);
      this.#stop(error);
      this.#fail(outgoing.work, error);
    } else if (ack.kind === "stored") {
      this.#forget(number, outgoing);
      this.#sent(outgoing, ack);
    } else if (ack.kind === "refused" && !isPassing(ack)) {
      this.#forget(number, outgoing);
      this.#fail(outgoing.work, cannotPublish(outgoing.subject, ack.reason));
    } else if (ack.kind === "nobody" || (ack.kind === "foreign" && !this.#hasStreams)) {
      return this.#repair();
    }
    // Else it is published again when its time for an acknowledgement is over.
    this.#wake();
  }

  #sent(
    outgoing: Outgoing<W>,
    reply: { readonly sequence: number; readonly duplicate: boolean },
  ): void {
    this.#progressAt = performance.now();
    this.#hasStreams = true;
    // What was published twice may be a duplicate of itself.
    const duplicate = reply.duplicate && outgoing.tries === 1;
    if (duplicate) this.#duplicates++;
    else this.#stored++;
    const { work, subject } = outgoing;
    const { sequence, duplicate: known } = reply;
    this.#options.onSent?.(work, { id: work.id, subject, sequence, duplicate, known });
  }

  #forget(number: number, outgoing: Outgoing<W>): void {
    this.#outgoing.delete(number);
    this.#outgoingBytes -= outgoing.data.length;
  }

  #fail(work: W, error: PublishError): void {
    this.#failed++;
    this.#options.onFailed?.(work, error);
  }

  #stop(reason: Error): void {
    this.#stopped ??= reason;
    this.#wake();
  }

  /** Nobody has stored it, or who knows: makes the streams, then publishes everything again. */
  #repair(): void {
    if (this.#repairing !== undefined || this.#stopped instanceof PublishError) return;
    this.#repairing = this.#makeStreams().finally(() => this.#repairing = undefined);
  }

  async #makeStreams(): Promise<void> {
    const { epoch } = this.#connection;
    try {
      await ensureStreams(this.#connection, this.#options.limits);
      this.#hasStreams = true;
      if (epoch === this.#connection.epoch) this.#publishAll();
    } catch (error) {
      // A server or cluster that has just been restarted may need a moment for JetStream.
      const wasThere = this.#stored + this.#duplicates > 0 || epoch > 0;
      if (error instanceof StreamError && !error.passing && !wasThere) {
        this.#stop(new PublishError(`Cannot store work: ${error.message}`, { cause: error }));
      }
    }
  }

  #tick(): void {
    const now = performance.now();
    const { ackTimeoutMs = DEFAULT_ACK_TIMEOUT_MS } = this.#options;
    const { timeoutMs = DEFAULT_BULK_TIMEOUT_MS } = this.#options;
    if (this.#connection.nats.isClosed()) {
      this.#stop(new PublishError(`Cannot store work: the connection to NATS is closed`));
    }
    if (this.#outgoing.size > 0 && now - this.#progressAt >= timeoutMs) {
      this.#stop(this.#timedOut(timeoutMs));
    }
    if (!this.#connection.connected) return;
    for (const [number, outgoing] of this.#outgoing.entries()) {
      if (now - outgoing.sentAt < ackTimeoutMs) break;
      this.#publishAgain(number, outgoing);
    }
  }

  #timedOut(timeoutMs: number): PublishError {
    const where = `NATS at ${this.#connection.url}`;
    const why = this.#connection.connected
      ? `${where} did not acknowledge within ${timeoutMs} ms`
      : `${where} has been away for ${timeoutMs} ms`;
    return new PublishError(
      `Cannot tell whether work is stored: ${why}. Sending it again with the same id is safe`,
    );
  }

  async #watch(statuses: AsyncIterable<Status>): Promise<void> {
    for await (const status of statuses) {
      if (status.type !== "error" || !(status.error instanceof PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      const ours = operation === "publish"
        ? [...this.#outgoing.values()].some((outgoing) => outgoing.subject === subject)
        : subject.startsWith(this.#inbox);
      if (!ours) continue;
      const what = operation === "publish" ? "publish to" : "subscribe to";
      this.#stop(
        new PublishError(
          `Cannot ${what} "${subject}": permission denied by NATS at ${this.#connection.url}`,
          { cause: status.error },
        ),
      );
    }
  }

  /** Waits for what is outstanding: to the end, or a moment if sending was stopped. */
  async #settle(): Promise<void> {
    await this.#until(() => this.#outgoing.size === 0);
    if (this.#outgoing.size === 0 || this.#stopped instanceof PublishError) return;
    const timer = setTimeout(() => this.#wake(), STOP_GRACE_MS);
    const deadline = performance.now() + STOP_GRACE_MS;
    while (this.#outgoing.size > 0 && performance.now() < deadline) await this.#woken();
    clearTimeout(timer);
  }

  /** Waits until a condition holds, or sending was stopped. */
  async #until(condition: () => boolean): Promise<void> {
    while (this.#stopped === undefined && !condition()) await this.#woken();
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** What a promise resolves to, or undefined as soon as sending is stopped. */
  #unlessStopped<T>(start: () => T | Promise<T>): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      this.#wake = () => this.#stopped !== undefined && resolve(undefined);
      Promise.resolve(start()).then(resolve, reject);
    });
  }
}

function cannotPublish(subject: string, reason: string): PublishError {
  return new PublishError(`Cannot publish to "${subject}": ${reason}`);
}

function reasonOf(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error(String(reason));
}

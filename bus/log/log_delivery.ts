/**
 * What one consumer of the log delivers, pulled in batches, until it is exhausted or broken. Broken is
 * whatever leaves a gap: a lost connection, a silence, a delivery that is not the next.
 *
 * @module
 */
import type { ConsumerInfo } from "@nats-io/jetstream";
import { type Msg, nanos, type Subscription } from "@nats-io/nats-core";
import type { Connection } from "../connection.ts";
import { type MessageStatus, statusOf } from "../nats_js/message_headers.ts";
import { parsePlace, type Place } from "./log_record.ts";

const BATCH = 500;
const BATCH_BYTES = 4 * 2 ** 20;
const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;
/** After as long a silence, in which heartbeats should have come, the consumer counts as lost. */
const SILENCE_MS = 12_000;

/** A message as it was delivered. */
export interface Delivered {
  readonly message: Msg;
  readonly place: Place;
}

/** How to deliver. */
export interface DeliveryOptions {
  /** Whether to go on with what comes, instead of ending with what is there. */
  readonly follow?: boolean;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** What one consumer delivers. Close it. */
export class LogDelivery {
  readonly #connection: Connection;
  readonly #info: ConsumerInfo;
  readonly #options: DeliveryOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #unlisten: () => void;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #queue: Delivered[] = [];
  /** How many of the requested messages are still to come. */
  #asked = 0;
  #delivered = 0;
  #heardAt = performance.now();
  #broken = false;
  #exhausted = false;
  #wake: () => void = () => {};
  readonly #aborted = (): void => this.#break();

  constructor(connection: Connection, info: ConsumerInfo, options: DeliveryOptions) {
    this.#connection = connection;
    this.#inbox = connection.createInbox();
    this.#info = info;
    this.#options = options;
    this.#subscription = connection.subscribe(this.#inbox, (error, message) => {
      if (error) this.#break();
      else this.#received(message);
    });
    this.#subscription.closed.then(() => this.#break());
    this.#unlisten = connection.listen({ onLost: () => this.#break() });
    this.#timer = setInterval(() => this.#listenForSilence(), 1_000);
    options.signal?.addEventListener("abort", this.#aborted);
    if (options.signal?.aborted) this.#break();
  }

  /** Whether there was no more, without `follow`. */
  get exhausted(): boolean {
    return this.#exhausted;
  }

  /** Its messages, in their order; ends when it is exhausted, broken or aborted. */
  async *messages(): AsyncGenerator<Delivered> {
    while (this.#options.signal?.aborted !== true) {
      if (!this.#broken && !this.#exhausted) this.#askForMore();
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else if (this.#broken || this.#exhausted) return;
      else await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  /** Stops listening. */
  close(): void {
    clearInterval(this.#timer);
    this.#unlisten();
    this.#options.signal?.removeEventListener("abort", this.#aborted);
    this.#subscription.unsubscribe();
  }

  #askForMore(): void {
    if (this.#asked > 0 || this.#queue.length > BATCH / 2) return;
    this.#asked = BATCH;
    this.#heardAt = performance.now();
    const { stream_name, name } = this.#info;
    const request = {
      batch: BATCH,
      // A message larger than this would never be delivered.
      max_bytes: Math.max(BATCH_BYTES, 2 * this.#connection.maxPayloadBytes),
      ...(this.#options.follow
        ? { expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) }
        : { no_wait: true }),
    };
    this.#connection.nats.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream_name}.${name}`,
      JSON.stringify(request),
      { reply: this.#inbox },
    );
  }

  #received(message: Msg): void {
    this.#heardAt = performance.now();
    const place = parsePlace(message.reply);
    if (place === undefined) {
      this.#status(statusOf(message));
    } else if (place.delivery === this.#delivered + 1) {
      this.#delivered++;
      this.#asked--;
      this.#queue.push({ message, place });
    } else {
      this.#broken = true;
    }
    this.#wake();
  }

  /** What the server says about a pull, instead of a message. */
  #status({ code, description }: MessageStatus): void {
    // A heartbeat, or the end of a batch.
    if (code === 100 || (code === 409 && /batch completed/i.test(description))) return;
    const over = code === 408 || (code === 409 && /maxbytes/i.test(description));
    if (code === 404 && !this.#options.follow) this.#exhausted = true;
    else if (over || code === 404) this.#asked = 0;
    else this.#broken = true;
  }

  #listenForSilence(): void {
    if (this.#asked > 0 && performance.now() - this.#heardAt > SILENCE_MS) this.#break();
  }

  #break(): void {
    this.#broken = true;
    this.#wake();
  }
}

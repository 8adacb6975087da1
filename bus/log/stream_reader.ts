/**
 * Reading a stream, from any point on, and then what comes.
 *
 * Invariants:
 * 1. Messages come in the order of their sequence, each once, none left out, whatever happens to
 *    the connection or the server: the position is ours, and after a gap, a silence or a loss a
 *    new consumer is made that begins there.
 * 2. Nothing is pulled that was not asked for: at most a batch waits in memory.
 * 3. When the reading ends, for whatever reason, its consumer, subscription and timer are gone.
 *
 * @module
 */
import type { ConsumerConfig } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/nats-core";
import { pause } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { type Delivered, LogDelivery } from "./log_delivery.ts";
import { ended, fromSequence, type ReadOptions, RETRY_MS, StreamView } from "./stream_view.ts";

/** One message of a stream. */
export interface StreamRecord {
  readonly sequence: number;
  /** When it was stored. */
  readonly time: Date;
  readonly subject: string;
  readonly text: string;
}

/** Without `follow`, how many consumers in a row may deliver nothing. */
const FRUITLESS = 3;

/**
 * Reads the messages of a stream that are no records of the log, oldest first.
 *
 * @returns Ends as that of `readLog` does.
 * @throws {StreamError} If the stream cannot be read.
 */
export async function* readStream(
  connection: Connection,
  stream: string,
  subject: string | readonly string[],
  options: ReadOptions = {},
): AsyncGenerator<StreamRecord> {
  const view = new StreamView(connection, stream, subject);
  for await (const { message, place: { sequence, timeMs } } of deliveries(view, options)) {
    yield { sequence, time: new Date(timeMs), subject: message.subject, text: message.string() };
  }
}

/** Where to begin. */
interface Position {
  readonly start: Partial<ConsumerConfig>;
  /** How many messages are passed over from there; undefined: all but the newest `last`. */
  readonly skip?: number;
}

/**
 * Reads what a stream holds of a subject, and with `follow` what comes.
 *
 * @throws {StreamError} As `readLog`.
 */
export async function* deliveries(
  view: StreamView,
  options: ReadOptions,
): AsyncGenerator<Delivered> {
  const { follow = false, signal } = options;
  const last = options.last || Infinity;
  const { before = Infinity } = options;
  let position: Position | undefined;
  let fruitless = 0;
  /** How many messages are still to be read; matters without `follow` only. */
  let left: number | undefined;
  while (!ended(view, signal)) {
    const info = await view.retrying(options, async () => {
      const { start, skip } = position ??= { start: await view.locate(options) };
      const info = await view.open(start, options.headersOnly);
      if (skip === undefined) {
        left = await view.amount(info, before);
        position = { start, skip: Math.max(0, left - last) };
      }
      return info;
    });
    if (info === undefined || position?.skip === undefined || left === undefined) return;
    const delivery = new LogDelivery(view.connection, info, options);
    try {
      let { skip } = position;
      if (!follow && left <= 0) return;
      fruitless++;
      for await (const { message, place } of delivery.messages()) {
        if (place.sequence >= before) return;
        fruitless = 0;
        skip--;
        left--;
        position = { start: fromSequence(place.sequence + 1), skip: Math.max(0, skip) };
        if (skip < 0 && holds(message, options.holding)) yield { message, place };
        if (!follow && (left <= 0 || place.pending === 0)) return;
      }
      if (delivery.exhausted) return;
    } finally {
      delivery.close();
      await view.remove(info);
    }
    if (!follow && fruitless >= FRUITLESS) {
      throw view.cannotRead(new Error("the server hands nothing out"));
    }
    await pause(RETRY_MS, signal);
  }
}

function holds(message: Msg, needles: readonly string[] | undefined): boolean {
  if (needles === undefined) return true;
  const text = message.string();
  return needles.some((needle) => text.includes(needle));
}

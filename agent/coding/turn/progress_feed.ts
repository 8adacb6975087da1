/**
 * Sends a work item's progress: joined, in order, and bounded.
 *
 * Invariants:
 * 1. A payload is sent at most every `joinMs`, earlier only if `MAX_PAYLOAD_BYTES` wait.
 * 2. Pieces of one message that follow each other become one. A tool that waits already is replaced
 *    where it stands; a plan and a usage move to the end. Everything else keeps its order.
 * 3. All payloads of a work item together are at most `maxBytes` of JSON. Once the next one would
 *    pass what is free for updates, a notice says so; after it only notices are sent, out of the
 *    `NOTICE_BYTES` that were held back for them.
 *
 * @module
 */
import { byteLength } from "@ourocodus/protocol";
import type { Clock } from "../../clock.ts";
import { type CodingProgress, progressLine, type ProgressPayload } from "./progress.ts";

/** What {@linkcode ProgressFeed} needs. */
export interface ProgressFeedOptions {
  readonly send: (payload: ProgressPayload) => void;
  readonly clock: Pick<Clock, "after">;
  /** Updates that come within this time are sent together; 300 ms by default. */
  readonly joinMs?: number;
  /** The most that a work item sends, in bytes of JSON; 1 MiB by default. */
  readonly maxBytes?: number;
}

/** More waiting bytes are sent at once. Relays take larger messages. */
const MAX_PAYLOAD_BYTES = 65_536;
/** Longer texts are sent as several updates. */
const MAX_TEXT_CHARACTERS = 8_192;
/** Held back for notices after the limit; includes the one that says that it was reached. */
const NOTICE_BYTES = 16_384;

/** Joins and bounds one work item's progress. */
export class ProgressFeed {
  readonly #options: ProgressFeedOptions;
  readonly #maxBytes: number;
  #waiting: CodingProgress[] = [];
  #waitingBytes = 0;
  #sentBytes = 0;
  #isFull = false;
  #callOff: (() => void) | undefined;

  constructor(options: ProgressFeedOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 2 ** 20;
  }

  /** Takes an update; it is sent within `joinMs`. */
  put(update: CodingProgress): void {
    if (update.type !== "text" && update.type !== "thought") return this.#put(update);
    for (let at = 0; at < update.text.length;) {
      // A character of two code units stays whole.
      const last = update.text.charCodeAt(at + MAX_TEXT_CHARACTERS - 1);
      const end = at + MAX_TEXT_CHARACTERS - (last >= 0xd800 && last <= 0xdbff ? 1 : 0);
      this.#put({ ...update, text: update.text.slice(at, end).toWellFormed() });
      at = end;
    }
  }

  /** Sends what waits: before a result, and when the work ends. */
  flush(): void {
    this.#callOff?.();
    this.#callOff = undefined;
    const updates = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (updates.length === 0) return;
    const free = this.#maxBytes - NOTICE_BYTES;
    if (!this.#isFull && this.#send(updates, free)) return;
    if (!this.#isFull) {
      this.#isFull = true;
      const text = `Progress is over ${this.#maxBytes} bytes: only notices are sent from here on`;
      this.#send([{ type: "notice", text }], this.#maxBytes);
    }
    for (const notice of updates.filter(({ type }) => type === "notice")) {
      this.#send([notice], this.#maxBytes);
    }
  }

  #put(update: CodingProgress): void {
    if (this.#isFull && update.type !== "notice") return;
    this.#waitingBytes += byteLength(JSON.stringify(update));
    this.#join(update);
    if (this.#waitingBytes >= MAX_PAYLOAD_BYTES) return this.flush();
    this.#callOff ??= this.#options.clock.after(this.#options.joinMs ?? 300, () => this.flush());
  }

  /** Invariant 2. */
  #join(update: CodingProgress): void {
    const last = this.#waiting.at(-1);
    switch (update.type) {
      case "text":
      case "thought":
        if (last?.type === update.type && last.message_id === update.message_id) {
          this.#waiting[this.#waiting.length - 1] = { ...last, text: last.text + update.text };
          return;
        }
        break;
      case "tool": {
        const at = this.#waiting.findIndex((old) => old.type === "tool" && old.id === update.id);
        if (at >= 0) {
          this.#waiting[at] = update;
          return;
        }
        break;
      }
      case "plan":
      case "usage":
        this.#waiting = this.#waiting.filter(({ type }) => type !== update.type);
        break;
      case "permission":
      case "notice":
        break;
    }
    this.#waiting.push(update);
  }

  /** @returns Whether it fits within `limit`, and was sent. */
  #send(updates: readonly CodingProgress[], limit: number): boolean {
    const payload: ProgressPayload = { updates, message: progressLine(updates) };
    const bytes = byteLength(JSON.stringify(payload));
    if (this.#sentBytes + bytes > limit) return false;
    this.#sentBytes += bytes;
    this.#options.send(payload);
    return true;
  }
}

/**
 * The newest events, for all clients that are not far behind.
 *
 * Invariant: it has every record of the log with a sequence above `floor` up to `last`.
 *
 * @module
 */
import { type EventFilter, filterKey, passes } from "./event_filter.ts";
import type { EventFrame } from "./event_frame.ts";

/** How much it may hold. */
export interface EventRingLimits {
  readonly events: number;
  readonly bytes: number;
}

/** A stretch of the ring for one filter. */
export interface Stretch {
  /** The events that pass, in order, as one piece; shared by all who ask for the same. */
  readonly bytes: Uint8Array;
  readonly events: number;
  /** The sequence up to which has been looked. */
  readonly upTo: number;
}

/** A stretch ends when it is this long, in bytes. */
const STRETCH_BYTES = 128 * 1024;

/** The newest records of the log. */
export class EventRing {
  readonly #limits: EventRingLimits;
  #frames: (EventFrame | undefined)[] = [];
  /** Index in `#frames` of the oldest one; those before it are gone. */
  #start = 0;
  #bytes = 0;
  #floor: number;
  #last: number;
  readonly #stretches = new Map<string, Stretch>();

  /** @param floor The sequence after which it begins. */
  constructor(limits: EventRingLimits, floor: number) {
    this.#limits = limits;
    this.#floor = floor;
    this.#last = floor;
  }

  /** What has this sequence or a lower one is not here. */
  get floor(): number {
    return this.#floor;
  }

  /** The sequence of the newest. */
  get last(): number {
    return this.#last;
  }

  /** Adds the next record, whose sequence is above all before it. */
  add(frame: EventFrame): void {
    this.#frames.push(frame);
    this.#last = frame.sequence;
    this.#bytes += frame.bytes.length;
    this.#stretches.clear();
    while (this.#isOver()) this.#drop();
  }

  /** Empties it. @param floor The sequence after which it begins now. */
  reset(floor: number): void {
    this.#frames = [];
    this.#start = 0;
    this.#bytes = 0;
    this.#floor = floor;
    this.#last = floor;
    this.#stretches.clear();
  }

  /** The events after a sequence, not below the floor, that pass a filter; a stretch of them. */
  after(sequence: number, filter: EventFilter): Stretch {
    const key = `${sequence} ${filterKey(filter)}`;
    let stretch = this.#stretches.get(key);
    if (stretch === undefined) {
      stretch = this.#collect(sequence, filter);
      this.#stretches.set(key, stretch);
    }
    return stretch;
  }

  /** All records after a sequence, oldest first. */
  *framesAfter(sequence: number): Generator<EventFrame> {
    for (let index = this.#indexAfter(sequence); index < this.#frames.length; index++) {
      const frame = this.#frames[index];
      if (frame !== undefined) yield frame;
    }
  }

  #collect(sequence: number, filter: EventFilter): Stretch {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (const frame of this.framesAfter(sequence)) {
      if (!passes(filter, frame)) continue;
      if (length > 0 && length + frame.bytes.length > STRETCH_BYTES) {
        return { bytes: join(parts, length), events: parts.length, upTo: frame.sequence - 1 };
      }
      parts.push(frame.bytes);
      length += frame.bytes.length;
    }
    return { bytes: join(parts, length), events: parts.length, upTo: this.#last };
  }

  /** Where the first record above a sequence is. */
  #indexAfter(sequence: number): number {
    let low = this.#start;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#frames[middle]?.sequence ?? Infinity) > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  #isOver(): boolean {
    const count = this.#frames.length - this.#start;
    return count > 1 && (count > this.#limits.events || this.#bytes > this.#limits.bytes);
  }

  #drop(): void {
    const oldest = this.#frames[this.#start];
    this.#frames[this.#start++] = undefined;
    this.#floor = oldest?.sequence ?? this.#floor;
    this.#bytes -= oldest?.bytes.length ?? 0;
    if (this.#start < 1_024 || this.#start < this.#frames.length / 2) return;
    this.#frames = this.#frames.slice(this.#start);
    this.#start = 0;
  }
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1 && parts[0] !== undefined) return parts[0];
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/**
 * Released work items, here and at other relays. They are remembered: work that was released has no
 * outcome and no agent, so its next attempt is offered without asking anybody. What its attempts have
 * cost is stored before it is released.
 *
 * @module
 */
import type { Connection, LogWriter, WorkQueue } from "@ourocodus/bus";
import {
  type AttemptRecord,
  attemptsSubject,
  formatMessage,
  type Lease,
} from "@ourocodus/protocol";
import { nuid } from "@nats-io/nats-core";
import type { AttemptView } from "./attempt_effects.ts";

/** How many are remembered. */
const REMEMBERED = 10_000;
/** How long, in milliseconds. */
const REMEMBERED_MS = 60_000;
/** The longest that the queue is asked to keep work, in milliseconds: then it is asked again. */
const LONGEST_MS = 86_400_000;

/** What is remembered of a work item that was released. */
interface Released {
  /** The number of the attempt that ended so. */
  readonly attempt: number;
  /** When, by `performance.now`. */
  readonly at: number;
  /** Of its attempts; a relay of before does not tell. */
  readonly record: AttemptRecord | undefined;
}

/** What is released once NATS is back. */
interface Waiting {
  readonly lease: Lease;
  readonly keptAt: number;
  readonly delayMs: number;
}

/** What releases are made with. */
export interface ReleasesOptions {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly writer: LogWriter;
}

/** A relay's releases. */
export class Releases {
  readonly #options: ReleasesOptions;
  #waiting: Waiting[] = [];
  /** When those were released last. */
  #waitedAt = -Infinity;
  /** When NATS was back last: until then, what other relays said may have been missed. */
  #restoredAt = -Infinity;
  /** By the work items' identities, the oldest first. */
  readonly #released = new Map<string, Released>();

  constructor(options: ReleasesOptions) {
    this.#options = options;
  }

  /**
   * Releases a work item.
   *
   * @param delayMs When it may be handed out again.
   * @param recorded Whether the record of its attempts has changed, and is stored first.
   */
  release(attempt: AttemptView, delayMs: number, recorded: boolean): void {
    const { lease, keptAt, record } = attempt;
    this.released(lease, record);
    const waiting = { lease, keptAt, delayMs: Math.min(delayMs, LONGEST_MS) };
    if (!recorded) return this.#release(waiting);
    const wasConnected = this.#options.connection.connected;
    const at = performance.now();
    this.#store(attempt, () => {
      // Another relay may have it by now, see releaseWaiting.
      if (wasConnected || this.#waitedAt > at) this.#release(waiting);
      else this.#waiting.push(waiting);
    });
  }

  /** Releases a work item that came before its time. Nobody is told: its record says enough. */
  putOff(attempt: AttemptView, delayMs: number): void {
    const { lease, keptAt } = attempt;
    const put = () => this.#release({ lease, keptAt, delayMs: Math.min(delayMs, LONGEST_MS) });
    // So that the log has it for as long as it is needed.
    if (delayMs > LONGEST_MS) this.#store(attempt, put);
    else put();
  }

  /** Stores what the attempts at work have left, which has changed while an agent has it. */
  store(attempt: AttemptView): void {
    this.#store(attempt);
  }

  #store(
    { session, role, id, lease: { work }, record }: AttemptView,
    onStored?: () => void,
  ): void {
    this.#options.writer.append({
      subject: attemptsSubject(session, role, work),
      data: formatMessage(id, "attempt", record),
      id: `attempt.${work}.${record.attempt}.${nuid.next()}`,
      // Refused for good, it is forgotten: then an attempt too many is made.
      ...(onStored && { onSettled: onStored }),
    });
  }

  #release({ lease, keptAt, delayMs }: Waiting): void {
    const { connection, queue } = this.#options;
    if (!connection.connected) this.#waiting.push({ lease, keptAt, delayMs });
    // Storing the record may have taken so long that another agent has the work by now.
    else if (performance.now() - keptAt < queue.ackWaitMs) queue.release(lease.subject, delayMs);
  }

  /** A work item was released, here or at another relay. @param record Of its attempts. */
  released(lease: Lease, record?: AttemptRecord): void {
    const { work, attempt } = this.counted(lease);
    this.#released.delete(work);
    this.#released.set(work, { attempt, at: performance.now(), record });
    if (this.#released.size <= REMEMBERED) return;
    for (const oldest of this.#released.keys()) {
      this.#released.delete(oldest);
      return;
    }
  }

  /**
   * The delivery with the number that counts. JetStream counts from one again when a consumer is made
   * again.
   */
  counted(lease: Lease): Lease {
    const before = this.#released.size === 0 ? 0 : this.#released.get(lease.work)?.attempt ?? 0;
    return lease.attempt > before ? lease : { ...lease, attempt: before + 1 };
  }

  /**
   * What the attempts before this one have left, if the last of them was released lately: so nobody has
   * the work, and it has no outcome.
   */
  recordOf({ work, attempt }: Lease): AttemptRecord | undefined {
    const released = this.#released.get(work);
    if (released?.attempt !== attempt - 1 || released.at < this.#restoredAt) return undefined;
    return performance.now() - released.at < REMEMBERED_MS ? released.record : undefined;
  }

  /** An agent resumes a work item at another relay: that it was released means nothing any more. */
  resumed({ work }: Lease): void {
    const released = this.#released.get(work);
    if (released !== undefined) this.#released.set(work, { ...released, at: -Infinity });
  }

  /** NATS is back. @param now By `performance.now`. */
  restored(now: number): void {
    this.#restoredAt = now;
  }

  /**
   * Releases what could not be while NATS was away.
   *
   * @param elsewhere Sequences of what other relays have by now: it is theirs.
   */
  releaseWaiting(elsewhere: ReadonlySet<number>): void {
    const { connection, queue } = this.#options;
    if (!connection.connected) return;
    const now = performance.now();
    for (const { lease, keptAt, delayMs } of this.#waiting) {
      const lives = now - keptAt < queue.ackWaitMs;
      if (lives && !elsewhere.has(lease.sequence)) queue.release(lease.subject, delayMs);
    }
    this.#waiting = [];
    this.#waitedAt = now;
  }
}

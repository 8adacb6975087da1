/**
 * Released work items, here and at other relays. They are remembered: work that was released has no
 * outcome and no agent, so its next attempt is offered without asking anybody.
 *
 * @module
 */
import type { Connection, WorkQueue } from "@ourocodus/bus";
import type { Lease } from "@ourocodus/protocol";
import type { AttemptView } from "./attempt_effects.ts";

/** How many are remembered. */
const REMEMBERED = 10_000;
/** How long, in milliseconds. */
const REMEMBERED_MS = 60_000;

/** What is remembered of a work item that was released. */
interface Released {
  /** The number of the attempt that ended so. */
  readonly attempt: number;
  /** When, by `performance.now`. */
  readonly at: number;
  /** The agent that had it. */
  readonly agentId: string | undefined;
}

/** What is released once NATS is back. */
interface Waiting {
  readonly lease: Lease;
  readonly keptAt: number;
  readonly delayMs: number;
}

/** A relay's releases. */
export class Releases {
  readonly #connection: Connection;
  readonly #queue: WorkQueue;
  #waiting: Waiting[] = [];
  /** When NATS was back last: until then, what other relays said may have been missed. */
  #restoredAt = -Infinity;
  /** By the work items' identities, the oldest first. */
  readonly #released = new Map<string, Released>();

  constructor(connection: Connection, queue: WorkQueue) {
    this.#connection = connection;
    this.#queue = queue;
  }

  /** Releases a work item. @param delayMs When it may be handed out again. */
  release({ lease, keptAt, agentId }: AttemptView, delayMs: number): void {
    this.released(lease, agentId);
    if (this.#connection.connected) this.#queue.release(lease.subject, delayMs);
    else this.#waiting.push({ lease, keptAt, delayMs });
  }

  /** A work item was released, here or at another relay. @param agentId The agent that had it. */
  released(lease: Lease, agentId?: string): void {
    const { work, attempt } = this.counted(lease);
    this.#released.delete(work);
    this.#released.set(work, { attempt, at: performance.now(), agentId });
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
   * Whether the attempt before this one was released lately, so that nobody has the work and it has no
   * outcome.
   */
  wasReleased({ work, attempt }: Lease): boolean {
    const released = this.#released.get(work);
    if (released?.attempt !== attempt - 1 || released.at < this.#restoredAt) return false;
    return performance.now() - released.at < REMEMBERED_MS;
  }

  /** The agent that had a work item last, if it was released. */
  lastAgent({ work }: Lease): string | undefined {
    return this.#released.get(work)?.agentId;
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
    if (!this.#connection.connected) return;
    const now = performance.now();
    for (const { lease, keptAt, delayMs } of this.#waiting) {
      const lives = now - keptAt < this.#queue.ackWaitMs;
      if (lives && !elsewhere.has(lease.sequence)) this.#queue.release(lease.subject, delayMs);
    }
    this.#waiting = [];
  }
}

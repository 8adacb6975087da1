/**
 * The work queue: opens roles' queues, and answers for what they delivered.
 *
 * @module
 */
import { nanos } from "@nats-io/nats-core";
import type { RoleId } from "@ourocodus/protocol";
import pLimit from "p-limit";
import type { Connection } from "../connection.ts";
import { Allowance } from "./allowance.ts";
import { type RoleListener, RoleQueue, type RoleQueueOptions } from "./role_queue.ts";

/** Settings of a {@linkcode WorkQueue}. */
export interface WorkQueueOptions {
  /** How long a lease lives unless it is extended, in milliseconds; 30 s by default. */
  readonly ackWaitMs?: number;
  /** When a consumer that nobody uses goes, in milliseconds; one day by default. */
  readonly inactiveMs?: number;
  /** How long one pull request waits, in milliseconds; 30 s by default. */
  readonly pullExpiresMs?: number;
  /**
   * How often the server says that a pull request waits, in milliseconds; 5 s by default, and at most
   * half as long as it waits. A consumer that says nothing for twice as long is asked again.
   */
  readonly heartbeatMs?: number;
  /** How many consumers are made at once; 32 by default. */
  readonly creations?: number;
  /**
   * How many roles get their consumer when they open, not with their first work; 128 by default, and
   * the same number again every ten seconds.
   */
  readonly ahead?: number;
  /** After how long without work a role's consumer may go, in milliseconds; a minute by default. */
  readonly sleepMs?: number;
}

const DAY_MS = 86_400_000;
const SWEEP_MS = 1_000;
/** How long until the number of consumers made at once may be made ahead again, in milliseconds. */
const AHEAD_MS = 10_000;

/** All roles' queues of this process. */
export class WorkQueue {
  readonly ackWaitMs: number;
  readonly #connection: Connection;
  readonly #options: Required<WorkQueueOptions>;
  readonly #roles = new Set<RoleQueue>();
  readonly #roleOptions: RoleQueueOptions;
  readonly #unlisten: () => void;
  readonly #sweep: ReturnType<typeof setInterval>;

  constructor(connection: Connection, options: WorkQueueOptions = {}) {
    const { pullExpiresMs = 30_000, heartbeatMs = 5_000 } = options;
    this.#connection = connection;
    this.#options = {
      ackWaitMs: options.ackWaitMs ?? 30_000,
      inactiveMs: options.inactiveMs ?? DAY_MS,
      pullExpiresMs,
      heartbeatMs: Math.min(heartbeatMs, pullExpiresMs / 2),
      creations: options.creations ?? 32,
      ahead: options.ahead ?? 128,
      sleepMs: options.sleepMs ?? 60_000,
    };
    this.ackWaitMs = this.#options.ackWaitMs;
    this.#roleOptions = {
      ...this.#options,
      creations: pLimit(this.#options.creations),
      ahead: new Allowance(this.#options.ahead, AHEAD_MS),
      onClose: (role) => this.#roles.delete(role),
    };
    this.#unlisten = connection.listen({
      onLost: () => this.#roles.forEach((role) => role.forget()),
      onRestored: () => this.#roles.forEach((role) => role.begin()),
    });
    this.#sweep = setInterval(() => {
      const now = performance.now();
      this.#roles.forEach((role) => role.sweep(now));
    }, SWEEP_MS);
  }

  /**
   * Opens the queue of a role. Open each at most once at a time.
   */
  open(id: RoleId, listener: RoleListener): RoleQueue {
    const queue = new RoleQueue(this.#connection, id, listener, this.#roleOptions);
    this.#roles.add(queue);
    queue.begin();
    return queue;
  }

  /**
   * Makes every role's consumer again: the stream was removed, its consumers with it, and was made
   * anew. The server says nothing to requests that come in between.
   */
  remake(): void {
    for (const role of this.#roles) role.remake();
  }

  /** Extends the lease of a delivery by another `ackWaitMs`. */
  extend(lease: string): void {
    this.#connection.nats.publish(lease, "+WPI");
  }

  /**
   * Releases a delivery: it is handed out again, as the next attempt.
   *
   * @param delayMs How long to wait before; at once by default.
   */
  release(lease: string, delayMs = 0): void {
    const how = delayMs > 0 ? `-NAK {"delay":${nanos(delayMs)}}` : "-NAK";
    this.#connection.nats.publish(lease, how);
  }

  /** Closes every role and waits until the server has heard of it. */
  async close(): Promise<void> {
    clearInterval(this.#sweep);
    this.#unlisten();
    await Promise.all([...this.#roles].map((role) => role.close()));
  }
}

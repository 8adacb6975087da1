/**
 * Tells of a role's work while it has no consumer: an ordinary subscription hears what is published,
 * and the stream is asked for what was there before.
 *
 * @module
 */
import type { Subscription } from "@nats-io/nats-core";
import { WORK_STREAM } from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { readLastOf } from "../stored_message.ts";

/**
 * After how long, and then how often, a role that is asleep looks for work that it has not heard of,
 * in milliseconds. Soon at first: what was published before it listened may be stored after it looked.
 */
const LOOK_TWICE_MS = 1_000;
const LOOK_AGAIN_MS = 60_000;

/** The alarm of one subject. */
export class WorkAlarm {
  readonly #connection: Connection;
  readonly #subject: string;
  readonly #onWork: () => void;
  #subscription: Subscription | undefined;
  /** Whether the stream had nothing since this listens. */
  #looked = false;
  /** When to ask the stream again, by `performance.now`; see {@linkcode lookLater}. */
  lookAt = 0;

  /** @param onWork Called when work was published, and where listening is not allowed: look then. */
  constructor(connection: Connection, subject: string, onWork: () => void) {
    this.#connection = connection;
    this.#subject = subject;
    this.#onWork = onWork;
  }

  /** Begins to listen, unless it does. */
  listen(): void {
    this.#subscription ??= this.#connection.subscribe(this.#subject, () => this.#onWork());
  }

  /** Stops listening. */
  silence(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#looked = false;
  }

  /** Whether the stream has work; `true` also if it cannot be asked, since using it shows why. */
  async hasWork(): Promise<boolean> {
    try {
      return await readLastOf(this.#connection, WORK_STREAM, this.#subject) !== undefined;
    } catch {
      return true;
    }
  }

  /** The stream had none: sets when to ask again. Those that began together don't ask together. */
  lookLater(now: number): void {
    const waitMs = this.#looked ? LOOK_AGAIN_MS : LOOK_TWICE_MS;
    this.#looked = true;
    this.lookAt = now + waitMs * (1 + Math.random());
  }
}

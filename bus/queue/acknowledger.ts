/**
 * Acknowledges work, once its result is stored, so that the acknowledgement arrives even if the
 * connection breaks right behind it: otherwise finished work would be handed out again.
 *
 * Acknowledgements are not answered one by one. NATS handles what one connection sends in order,
 * so an answered PING confirms that it has received all that went before it. A server that is killed
 * may still forget some, and hands that work out again.
 *
 * @module
 */
import type { Connection } from "../connection.ts";
import { Publications } from "../publications.ts";

/** Publishes acknowledgements and repeats those that a lost connection may have swallowed. */
export class Acknowledger {
  readonly #connection: Connection;
  readonly #publications: Publications;
  readonly #confirmAfterMs: number;
  readonly #unlisten: () => void;
  #unconfirmed: string[] = [];
  /** The last ones of these are not sent yet: all that one turn brings is sent together. */
  #unsent = 0;
  #scheduled: ReturnType<typeof setImmediate> | undefined;
  /** How many have been confirmed, ever. */
  #confirmed = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param options `confirmAfterMs` is how long after an acknowledgement a PING confirms it. */
  constructor(connection: Connection, options: { readonly confirmAfterMs?: number } = {}) {
    this.#connection = connection;
    this.#publications = new Publications(connection);
    this.#confirmAfterMs = options.confirmAfterMs ?? 500;
    this.#unlisten = connection.listen({ onRestored: () => this.#repeat() });
  }

  /** Removes a work item from the stream. @param lease The delivery's acknowledgement subject. */
  acknowledge(lease: string): void {
    this.#unconfirmed.push(lease);
    this.#unsent++;
    this.#scheduled ??= setImmediate(() => this.flush());
    this.#confirmLater();
  }

  /** Sends what has been acknowledged, at once; else that happens in the event loop's next turn. */
  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const unsent = this.#unsent;
    this.#unsent = 0;
    // What cannot be sent now is repeated once the connection is back.
    if (unsent === 0 || !this.#connection.connected) return;
    for (const lease of this.#unconfirmed.slice(-unsent)) this.#publications.add(lease, "");
    this.#publications.send();
  }

  /** Confirms all that was acknowledged, if the connection is up; then stops. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#confirm();
    clearTimeout(this.#timer);
    this.#unlisten();
  }

  #repeat(): void {
    this.#unsent = this.#unconfirmed.length;
    this.flush();
    if (this.#unconfirmed.length > 0) this.#confirmLater();
  }

  #confirmLater(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#confirm();
    }, this.#confirmAfterMs);
  }

  /** @param end Of all acknowledgements ever; a PING before this one may have confirmed some. */
  #confirmUntil(end: number): void {
    if (end <= this.#confirmed) return;
    this.#unconfirmed.splice(0, end - this.#confirmed);
    this.#confirmed = end;
  }

  async #confirm(): Promise<void> {
    this.flush();
    const { connected, epoch, nats } = this.#connection;
    if (!connected || this.#unconfirmed.length === 0) return;
    const end = this.#confirmed + this.#unconfirmed.length;
    try {
      await nats.flush();
      // After a reconnect meanwhile, the listener has sent all of them again, behind that PING.
      if (this.#connection.epoch === epoch) this.#confirmUntil(end);
    } catch {
      // The connection broke; they are repeated once it is back.
    }
    if (this.#unconfirmed.length > 0 && this.#connection.connected) this.#confirmLater();
  }
}

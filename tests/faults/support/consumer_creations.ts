import type { Connection } from "@ourocodus/bus";

/** How often, and how many at once, consumers of the work queue are asked for. */
export class ConsumerCreations {
  /** How many were asked for. */
  asked = 0;
  /** How many requests waited for their answers at once, at most. */
  atOnce = 0;
  readonly #waiting = new Set<string>();

  /** Watches from now on, until the connection is closed. */
  constructor({ nats }: Connection) {
    nats.subscribe("$JS.API.CONSUMER.DURABLE.CREATE.OUROCODUS_WORK.*", {
      callback: (_, msg) => {
        this.asked++;
        this.#waiting.add(msg.reply ?? "");
        this.atOnce = Math.max(this.atOnce, this.#waiting.size);
      },
    });
    nats.subscribe("_INBOX.>", { callback: (_, msg) => void this.#waiting.delete(msg.subject) });
  }
}

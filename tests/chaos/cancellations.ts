import type { Connection } from "@ourocodus/bus";
import { cancelWork } from "@ourocodus/ops";
import type { Books } from "../support/mod.ts";

/** Cancels work after a while, and books which cancellations were confirmed. */
export class Cancellations {
  readonly #connection: Connection;
  readonly #books: Books;
  readonly #running = new Set<Promise<void>>();

  constructor(connection: Connection, books: Books) {
    this.#connection = connection;
    this.#books = books;
  }

  /** Cancels a work item after so many milliseconds. */
  after(delayMs: number, sequence: number): void {
    const running = this.#cancel(delayMs, sequence).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Waits until all have been tried. */
  async done(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #cancel(delayMs: number, sequence: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    try {
      const { kind } = await cancelWork(this.#connection, { workSequence: sequence });
      if (kind === "cancelled") this.#books.bookCancelled(sequence);
    } catch {
      // NATS is away: whether it is cancelled is not known, and nobody was told that it is.
    }
  }
}

import type { Books } from "../../support/mod.ts";

/** Between two pieces, in milliseconds: no more than a few agents can do. */
const PACE_MS = 20;

/** Work that is sent, piece after piece, while something breaks. */
export class Load {
  readonly #sending: Promise<unknown>;
  #stopping = false;
  #sent = 0;

  /**
   * Begins to send to role `r` of session `s`.
   *
   * @param atLeast How many items are sent at least, however soon it is stopped.
   * @param payload Of the piece with this number.
   */
  constructor(books: Books, atLeast: number, payload: (n: number) => object) {
    const send = async () => {
      for (; !this.#stopping || this.#sent < atLeast; this.#sent++) {
        await books.send("s", "r", `w${this.#sent}`, payload(this.#sent));
        await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      }
    };
    this.#sending = send().catch((error) => error);
  }

  /** Ends it. @returns How many pieces were sent. @throws What sending threw. */
  async stop(): Promise<number> {
    this.#stopping = true;
    const error = await this.#sending;
    if (error !== undefined) throw error;
    return this.#sent;
  }
}

/**
 * What agents have said and the log does not have yet: results and events that wait for NATS, and
 * messages of which it is not known yet what becomes of them. All of it takes up `MAX_HELD_BYTES`.
 *
 * @module
 */
import type { LogWriter } from "@ourocodus/bus";

/** Counts what waits for NATS, and refuses what is beyond the limits. */
export class Backlog {
  readonly #writer: Pick<LogWriter, "heldBytes">;
  readonly #maxBytes: number;
  /** Of messages that the writer does not have. */
  #characters = 0;

  /** @param maxBytes How much there may be. */
  constructor(writer: Pick<LogWriter, "heldBytes">, maxBytes: number) {
    this.#writer = writer;
    this.#maxBytes = maxBytes;
  }

  /** How much there is. */
  get bytes(): number {
    return this.#writer.heldBytes + this.#characters;
  }

  /** Whether there is so much that no more work should be asked for. */
  get isHigh(): boolean {
    return this.bytes > this.#maxBytes / 2;
  }

  /** Says why a text cannot be taken now, if so. */
  refusal(characters: number): string | undefined {
    if (this.bytes + characters <= this.#maxBytes) return undefined;
    return `${this.bytes} bytes of results wait for NATS, limit is ${this.#maxBytes}`;
  }

  /** This many more characters of messages are kept; fewer if negative. */
  add(characters: number): void {
    this.#characters += characters;
  }

  /** A message's text is kept until something has settled. @returns What that resolves to. */
  async during<T>(characters: number, settled: Promise<T>): Promise<T> {
    this.add(characters);
    try {
      return await settled;
    } finally {
      this.add(-characters);
    }
  }
}

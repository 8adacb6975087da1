/**
 * Counts the text of agents' messages that is kept until it is known what becomes of it: whether
 * work has an outcome, or whose it is. Like results that wait for NATS, it takes up `MAX_HELD_BYTES`.
 *
 * @module
 */

/** See the top of the file. */
export class HeldText {
  #characters = 0;

  /** How much is kept. */
  get characters(): number {
    return this.#characters;
  }

  /** Text is kept. */
  add(characters: number): void {
    this.#characters += characters;
  }

  /** Text is not kept any more. */
  remove(characters: number): void {
    this.#characters -= characters;
  }

  /** Text is kept until something has settled. @returns What that resolves to. */
  async during<T>(characters: number, settled: Promise<T>): Promise<T> {
    this.add(characters);
    try {
      return await settled;
    } finally {
      this.remove(characters);
    }
  }
}

/** The last bytes of a stream. */
export class ByteTail {
  readonly #bytes: Uint8Array;
  #length = 0;
  #total = 0;

  /** @param limit How many bytes are kept. */
  constructor(limit: number) {
    this.#bytes = new Uint8Array(limit);
  }

  /** Whether earlier bytes are gone. */
  get isCut(): boolean {
    return this.#total > this.#length;
  }

  add(chunk: Uint8Array): void {
    const limit = this.#bytes.length;
    const added = chunk.subarray(Math.max(0, chunk.length - limit));
    const kept = Math.min(this.#length, limit - added.length);
    this.#bytes.copyWithin(0, this.#length - kept, this.#length);
    this.#bytes.set(added, kept);
    this.#length = kept + added.length;
    this.#total += chunk.length;
  }

  /** The bytes as text, from the first whole character on; what is no UTF-8 is U+FFFD. */
  text(): string {
    let start = 0;
    // The rest of a character whose beginning is gone: at most three bytes.
    while (this.isCut && start < 3 && ((this.#bytes[start] ?? 0) & 0xc0) === 0x80) start++;
    return new TextDecoder().decode(this.#bytes.subarray(start, this.#length));
  }
}

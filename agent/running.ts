/** What runs, until it has ended in whatever way: so that somebody can wait for all of it. */
export class Running {
  readonly #all = new Set<Promise<void>>();

  /** Takes something that runs. @returns The same. */
  add<T>(running: Promise<T>): Promise<T> {
    const settled = running.then(() => {}, () => {});
    this.#all.add(settled);
    void settled.then(() => this.#all.delete(settled));
    return running;
  }

  /** Waits until all that runs now has ended; never rejects. */
  async ended(): Promise<void> {
    await Promise.all(this.#all);
  }
}

/**
 * Signals so close to the first are taken for the same one, in milliseconds: `deno task` passes
 * Ctrl-C on, which the terminal has sent already.
 */
const SAME_MS = 500;

/** Tells the first request to end, which ends in order, from a second, which hurries. */
export class EndRequests {
  #firstAt: number | undefined;

  /** Whether there was any. */
  get any(): boolean {
    return this.#firstAt !== undefined;
  }

  /**
   * A signal came.
   *
   * @param nowMs The time in milliseconds, of a clock that never goes back.
   * @returns What is wanted by it; undefined if nothing new. A closed terminal hurries nobody: it
   * is heard of twice, as a signal and when something is written.
   */
  heard(signal: Deno.Signal, nowMs: number): "end" | "now" | undefined {
    if (this.#firstAt === undefined) {
      this.#firstAt = nowMs;
      return "end";
    }
    return signal !== "SIGHUP" && nowMs - this.#firstAt > SAME_MS ? "now" : undefined;
  }
}

import type { Handler, Work, WorkContext } from "../work.ts";
import { turns } from "./fake_clock.ts";

/** A handler whose work the test ends by hand. */
export class ManualHandler {
  /** What is running, by id. */
  readonly running = new Map<string, { work: Work; context: WorkContext }>();
  /** Ids in the order in which they were begun. */
  readonly begun: string[] = [];
  /** The most that ran at once. */
  most = 0;
  readonly #ends = new Map<string, (outcome: () => unknown) => void>();

  readonly handle: Handler = async (work, context) => {
    this.begun.push(work.id);
    this.running.set(work.id, { work, context });
    this.most = Math.max(this.most, this.running.size);
    const { promise, resolve } = Promise.withResolvers<() => unknown>();
    this.#ends.set(work.id, resolve);
    const outcome = await promise;
    this.running.delete(work.id);
    return outcome();
  };

  /** Lets work end with a value. */
  async finish(id: string, value: unknown = { done: id }): Promise<void> {
    this.#ends.get(id)?.(() => value);
    await turns();
  }

  /** The signal of running work. */
  signal(id: string): AbortSignal | undefined {
    return this.running.get(id)?.context.signal;
  }
}

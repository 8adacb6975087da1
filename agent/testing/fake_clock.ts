import { setImmediate } from "node:timers";
import type { Clock } from "../clock.ts";

interface Timer {
  readonly at: number;
  readonly run: () => void;
}

/** A clock that stands until a test moves it on. */
export class FakeClock implements Clock {
  /** What `random` returns. */
  chance = 0.5;
  #now = 0;
  readonly #timers = new Set<Timer>();

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return this.chance;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  endOfTurn(run: () => void): void {
    setImmediate(run);
  }

  /** Moves on, running what is due on the way, and lets what follows from it happen. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (let timer = this.#next(end); timer !== undefined; timer = this.#next(end)) {
      this.#timers.delete(timer);
      this.#now = Math.max(this.#now, timer.at);
      timer.run();
      await turns();
    }
    this.#now = end;
    await turns();
  }

  #next(end: number): Timer | undefined {
    const due = [...this.#timers].filter((timer) => timer.at <= end);
    return due.toSorted((a, b) => a.at - b.at)[0];
  }
}

/** Lets everything happen that needs no more time: promises, and the ends of event-loop turns. */
export async function turns(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

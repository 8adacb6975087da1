/**
 * Requests that wait for results. All of them hear of results from the hub's one reader.
 *
 * Invariant: a wait is begun before its work is sent, so that no result comes before it.
 *
 * @module
 */
import { consumerName, type LogRecord } from "@ourocodus/bus";
import type { EventHub } from "./event_hub.ts";

/** A wait, begun before the work was sent. */
export interface ResultWait {
  /**
   * Resolves with the outcome of the work, once it is stored.
   *
   * @param workSequence Its sequence in the work stream.
   * @returns `undefined` if it takes longer than this.
   */
  result(workSequence: number, timeoutMs: number): Promise<LogRecord | undefined>;
  /** Ends it. */
  close(): void;
}

/** Waits that are under way. */
export class ResultWaits {
  /** Consumer's name → who listens for the role's results. */
  readonly #listeners = new Map<string, Set<(record: LogRecord) => void>>();
  #size = 0;

  constructor(hub: Pick<EventHub, "listen">) {
    hub.listen((record) => {
      if (record.kind !== "results" || record.role === undefined) return;
      const listeners = this.#listeners.get(consumerName(record.session, record.role));
      if (listeners === undefined) return;
      for (const listener of [...listeners]) listener(record);
    });
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** Begins one. */
  begin(session: string, role: string): ResultWait {
    const key = consumerName(session, role);
    const early: LogRecord[] = [];
    let listener = (record: LogRecord): void => void early.push(record);
    const hear = (record: LogRecord) => listener(record);
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(hear));
    this.#size++;
    return {
      result: (workSequence, timeoutMs) =>
        new Promise((resolve) => {
          const timer = setTimeout(() => resolve(undefined), timeoutMs);
          listener = (record) => {
            if (record.work?.sequence !== workSequence) return;
            clearTimeout(timer);
            resolve(record);
          };
          for (const record of early.splice(0)) listener(record);
        }),
      close: () => {
        if (!listeners.delete(hear)) return;
        this.#size--;
        if (listeners.size === 0) this.#listeners.delete(key);
      },
    };
  }
}

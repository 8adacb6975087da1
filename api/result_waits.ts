/**
 * Requests that wait for results. All of them hear of results from the hub's one reader.
 *
 * Invariant: a wait is begun before its work is sent, or before it is asked whether it has an outcome,
 * so that no result comes before it.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { RoleId } from "@ourocodus/protocol";
import type { EventHub } from "./event_hub.ts";
import { ProblemError } from "./problem.ts";

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

/** A wait, begun before it was known where the work is. */
export interface OutcomeWait {
  /**
   * Resolves once the outcome of the work is stored, at once if that was after the wait began.
   *
   * @returns Whether it is; false if it takes longer than this.
   */
  outcome(work: PlacedWork, timeoutMs: number): Promise<boolean>;
  /** Ends it. */
  close(): void;
}

/** Which work, and where its results go. */
export interface PlacedWork {
  readonly session_id: string;
  readonly role: string;
  readonly work_sequence: number;
}

/** How many requests may wait for results at once. */
const MAX_WAITS = 10_000;

/** Waits that are under way. */
export class ResultWaits {
  /** The role's key → who listens for the role's results. */
  readonly #listeners = new Map<string, Set<(record: LogRecord) => void>>();
  /** Listens for everybody's results. */
  readonly #all = new Set<(record: LogRecord) => void>();
  #size = 0;

  constructor(hub: Pick<EventHub, "listen">) {
    hub.listen((record) => {
      if (record.kind !== "results" || record.role === undefined) return;
      for (const listener of this.#all) listener(record);
      const listeners = this.#listeners.get(new RoleId(record.session, record.role).key);
      if (listeners === undefined) return;
      for (const listener of [...listeners]) listener(record);
    });
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /**
   * Begins one for work whose session and role are not known yet.
   *
   * @throws {ProblemError} If too many wait.
   */
  beginAny(): OutcomeWait {
    this.#check();
    const answered = new Set<number>();
    const hear = ({ work }: LogRecord) => work !== undefined && answered.add(work.sequence);
    this.#all.add(hear);
    let wait: ResultWait | undefined;
    return {
      outcome: async ({ session_id, role, work_sequence }, timeoutMs) => {
        this.#all.delete(hear);
        wait = this.begin(session_id, role);
        if (answered.has(work_sequence)) return true;
        return await wait.result(work_sequence, timeoutMs) !== undefined;
      },
      close: () => {
        this.#all.delete(hear);
        wait?.close();
      },
    };
  }

  /**
   * Begins one.
   *
   * @throws {ProblemError} If too many wait.
   */
  begin(session: string, role: string): ResultWait {
    this.#check();
    const key = new RoleId(session, role).key;
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

  #check(): void {
    if (this.#size + this.#all.size < MAX_WAITS) return;
    const detail = `${MAX_WAITS} requests wait for results, that is the limit; ask without wait`;
    throw new ProblemError("too_many", detail, { headers: { "retry-after": "1" } });
  }
}

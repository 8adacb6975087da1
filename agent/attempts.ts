/**
 * The attempts of an agent: which wait, which run.
 *
 * Invariants:
 * 1. Never do more handlers run than `concurrency`, whatever a relay sends. A handler that was
 *    aborted counts until it has really ended, but at most for `STUCK_MS`: its relay has given its
 *    slot away at once, and what came for that would wait forever behind one that never ends.
 * 2. A lease that waits or runs is not taken a second time.
 * 3. Every handler's end leads to exactly one answer, unless its attempt was cancelled or
 *    abandoned before: then to none.
 *
 * @module
 */
import { AGENT_TYPE } from "@ourocodus/protocol";
import { type Answer, answerOf, maxPayloadBytes, type Outcome, type Report } from "./answer.ts";
import type { Clock } from "./clock.ts";
import type { Questions } from "./questions.ts";
import type { Handler, LeasedWork, WorkContext } from "./work.ts";

/** Who the agent is. */
export interface Identity {
  readonly session: string;
  readonly role: string;
  readonly agentId: string;
}

/** What {@linkcode Attempts} needs and whom it tells. */
export interface AttemptsOptions {
  /** How many handlers run at once, 1 or more. */
  readonly concurrency: number;
  readonly identity: Identity;
  readonly handler: Handler;
  readonly clock: Pick<Clock, "after">;
  readonly questions: Questions;
  /** The largest message that the relay takes, in bytes. */
  readonly maxMessageBytes: () => number;
  /** Whether a handler may be begun now; `begin` is called when that has changed to yes. */
  readonly mayBegin: () => boolean;
  /** An attempt has ended. */
  readonly onAnswer: (leased: LeasedWork, answer: Answer, outcome: Outcome) => void;
  /** A handler reports something; `detached` if the connection that brought its work is gone. */
  readonly onReport: (leased: LeasedWork, report: Report, detached: boolean) => void;
  /** A handler goes on so long after it was aborted that it does not count any more. */
  readonly onStuck: (leased: LeasedWork, afterMs: number) => void;
}

/** See invariant 1; in milliseconds. */
const STUCK_MS = 30_000;

interface RunningAttempt {
  readonly leased: LeasedWork;
  readonly abort: AbortController;
  detached: boolean;
}

/** Of attempts that are answered and not confirmed yet: whom to tell that they are stored. */
type StoredListeners = Map<string, Set<() => void>>;

/** The attempts that wait or run. */
export class Attempts {
  readonly #options: AttemptsOptions;
  readonly #waiting = new Map<string, LeasedWork>();
  readonly #running = new Map<string, RunningAttempt>();
  /** Whose handlers count towards `concurrency`, those of cancelled attempts included. */
  readonly #busy = new Set<RunningAttempt>();
  /** Of handlers that were aborted and count: calls off the end of that. */
  readonly #aborted = new Map<RunningAttempt, () => void>();
  readonly #storedListeners: StoredListeners = new Map();

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  /** Attempts that are running and whose result is wanted. */
  get running(): number {
    return this.#running.size;
  }

  /** Attempts that wait for a free slot. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether this attempt waits or runs. */
  has(lease: string): boolean {
    return this.#running.has(lease) || this.#waiting.has(lease);
  }

  /** The leases of what runs. */
  leases(): IterableIterator<string> {
    return this.#running.keys();
  }

  /** The connection in use has taken over this attempt, see {@linkcode Attempts.detach}. */
  attach(lease: string): void {
    const running = this.#running.get(lease);
    if (running === undefined) return;
    running.detached = false;
    this.#options.questions.attached(lease);
  }

  /** Takes an attempt in, and begins it if there is a free slot. */
  add(leased: LeasedWork): void {
    this.#waiting.set(leased.lease, leased);
    this.begin();
  }

  /** Begins what waits, as far as slots are free. */
  begin(): void {
    for (const [lease, leased] of this.#waiting) {
      if (this.#busy.size >= this.#options.concurrency || !this.#options.mayBegin()) return;
      this.#waiting.delete(lease);
      void this.#run(leased);
    }
  }

  /** A relay has confirmed that this attempt's answer is stored. */
  stored(lease: string): void {
    const listeners = this.#storedListeners.get(lease) ?? [];
    this.#storedListeners.delete(lease);
    for (const listener of listeners) {
      try {
        listener();
      } catch {
        // See WorkContext.onStored.
      }
    }
  }

  /** This attempt's answer is dropped, so it will never be stored. */
  dropped(lease: string): void {
    this.#storedListeners.delete(lease);
  }

  /** Aborts an attempt, or forgets it if it waits. @returns Whether it waited or ran. */
  cancel(lease: string, reason: Error): boolean {
    if (this.#waiting.delete(lease)) return true;
    const running = this.#running.get(lease);
    if (running === undefined) return false;
    this.#running.delete(lease);
    this.dropped(lease);
    this.#aborted.set(running, this.#options.clock.after(STUCK_MS, () => this.#giveUpOn(running)));
    running.abort.abort(reason);
    this.#options.questions.ended(lease, reason);
    return true;
  }

  /**
   * The connection that brought all this is gone: what runs goes on, what waits is forgotten,
   * since a relay hands it out again.
   */
  detach(): void {
    this.#waiting.clear();
    for (const running of this.#running.values()) running.detached = true;
  }

  /** Aborts all that is running, and forgets what waits: nothing is begun any more. */
  abandon(reason: Error): void {
    this.#waiting.clear();
    for (const lease of [...this.#running.keys()]) this.cancel(lease, reason);
    for (const callOff of this.#aborted.values()) callOff();
    this.#aborted.clear();
  }

  async #run(leased: LeasedWork): Promise<void> {
    const running: RunningAttempt = { leased, abort: new AbortController(), detached: false };
    this.#busy.add(running);
    this.#running.set(leased.lease, running);
    const outcome = await this.#outcome(running);
    this.#ended(running);
    if (this.#isWanted(running)) {
      this.#running.delete(leased.lease);
      this.#options.questions.ended(leased.lease, new Error("the work has ended"));
      const attempt = { id: leased.work.id, lease: leased.lease };
      this.#options.onAnswer(leased, answerOf(attempt, outcome), outcome);
    }
    this.begin();
  }

  #ended(running: RunningAttempt): void {
    this.#aborted.get(running)?.();
    this.#aborted.delete(running);
    this.#busy.delete(running);
  }

  /** Its handler goes on, whatever it was told; others need not wait for it. */
  #giveUpOn(running: RunningAttempt): void {
    this.#ended(running);
    this.#options.onStuck(running.leased, STUCK_MS);
    this.begin();
  }

  async #outcome(running: RunningAttempt): Promise<Outcome> {
    try {
      const value = await this.#options.handler(running.leased.work, this.#context(running));
      return { kind: "returned", value };
    } catch (error) {
      return { kind: "thrown", error };
    }
  }

  #context(running: RunningAttempt): WorkContext {
    const { identity, maxMessageBytes } = this.#options;
    const { leased: { work: { id, attempt }, lease }, abort } = running;
    const report = (type: Report["type"], payload: unknown) => {
      if (!this.#isWanted(running)) return;
      this.#options.onReport(running.leased, { type, payload }, running.detached);
    };
    return {
      ...identity,
      attempt,
      signal: running.abort.signal,
      onStored: (listener) => {
        if (!this.#isWanted(running)) return;
        const listeners = this.#storedListeners.get(lease) ?? new Set();
        this.#storedListeners.set(lease, listeners.add(listener));
      },
      get maxPayloadBytes() {
        return maxPayloadBytes({ id, lease }, maxMessageBytes());
      },
      progress: (payload) => report(AGENT_TYPE.progress, payload),
      ask: async (question) => {
        if (!this.#isWanted(running)) throw abort.signal.reason ?? new Error("the work has ended");
        return await this.#options.questions.ask({ id, lease }, question, running.detached);
      },
    };
  }

  #isWanted(running: RunningAttempt): boolean {
    return this.#running.get(running.leased.lease) === running;
  }
}

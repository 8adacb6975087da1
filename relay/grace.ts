/**
 * Work of agents whose sockets are gone. It is kept for a while, since an agent that comes back
 * still has it; its leases stay alive meanwhile.
 *
 * @module
 */
import type { Work } from "./work.ts";

/** What an agent left behind. */
interface Left {
  readonly works: Set<Work>;
  readonly reason: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

/** What a {@linkcode Grace} needs. */
export interface GraceOptions {
  /** How long an agent may take to come back, in milliseconds; 0 keeps nothing. */
  readonly graceMs: number;
  /** Somebody did not come back. @param reason How its socket ended. */
  readonly onExpired: (works: readonly Work[], reason: string) => void;
}

/** Keeps it, by agent. */
export class Grace {
  readonly #options: GraceOptions;
  readonly #left = new Map<string, Left>();

  constructor(options: GraceOptions) {
    this.#options = options;
  }

  /** Whether anything is kept at all. */
  get isOn(): boolean {
    return this.#options.graceMs > 0;
  }

  /** Keeps what an agent had in hand. @param agent Names it among all agents of this relay. */
  keep(agent: string, works: readonly Work[], reason: string): void {
    const earlier = this.take(agent);
    const timer = setTimeout(() => {
      const late = this.take(agent);
      this.#options.onExpired(late, reason);
    }, this.#options.graceMs);
    for (const work of works) work.state = "held";
    this.#left.set(agent, { works: new Set([...earlier, ...works]), reason, timer });
  }

  /** Hands out what is kept for an agent: it is back. */
  take(agent: string): Work[] {
    const left = this.#left.get(agent);
    if (left === undefined) return [];
    clearTimeout(left.timer);
    this.#left.delete(agent);
    return [...left.works];
  }

  /** Hands out everything. */
  takeAll(): Work[] {
    return [...this.#left.keys()].flatMap((agent) => this.take(agent));
  }

  /** Forgets one work item. */
  drop(work: Work): void {
    for (const [agent, { works }] of this.#left) {
      if (works.delete(work) && works.size === 0) this.take(agent);
    }
  }
}

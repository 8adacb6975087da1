/**
 * How long an attempt may take, and when its agent was heard last. Attempts without limits, nearly all,
 * have none of this.
 *
 * @module
 */

/** How long an attempt may take. */
export interface AttemptLimits {
  /** When it is over, in milliseconds since 1970, and what is said then. */
  readonly deadline?: { readonly at: number; readonly message: string };
  /** How long its agent may say nothing about it, in milliseconds. */
  readonly noProgressMs?: number;
}

/** The time of an attempt. */
export class AttemptTime {
  limits: AttemptLimits = {};
  /** How much more time it was given, in milliseconds. */
  moreMs = 0;
  /** Whether its agent has said nothing about it for long; set by whoever watches. */
  isSilent = false;
  #heardAt = 0;
  #isWaiting = false;

  /** When its agent said something about it, or got it, by `performance.now`. */
  get heardAt(): number {
    return this.#isWaiting ? Infinity : this.#heardAt;
  }

  /** An agent has got it. */
  begins(limits: AttemptLimits): void {
    this.limits = limits;
    this.#isWaiting = false;
    this.heard();
  }

  /** Its agent has said something; for what it was given in advance it need not. */
  heard(): void {
    this.#heardAt = Math.max(this.#heardAt, performance.now());
    this.isSilent = false;
  }

  /** It waits for an answer of a person: nothing needs to be said about it meanwhile. */
  waits(isWaiting: boolean): void {
    this.#isWaiting = isWaiting;
    this.heard();
  }

  /** A person gives it more time. */
  prolong(ms: number): void {
    const { deadline } = this.limits;
    if (deadline) this.limits = { ...this.limits, deadline: { ...deadline, at: deadline.at + ms } };
    this.moreMs += ms;
    this.#heardAt = performance.now() + ms;
    this.isSilent = false;
  }
}

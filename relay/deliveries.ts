/**
 * What becomes of work that the queue delivers: it is offered, given up on, or left to the agent that has
 * it already.
 *
 * Invariants:
 * 1. Every delivery is among the works from its arrival on.
 * 2. Work is offered at once only if nobody can have it: it is the first attempt, or the attempt
 *    before was given back. Otherwise other relays are asked, and the outcome is looked up first.
 * 3. What was stored before the connection was lost is looked up even as a first attempt: a server that
 *    was killed may have forgotten that it had been delivered, or even answered.
 *
 * @module
 */
import type { Acknowledger, Delivery, LeaseExchange } from "@ourocodus/bus";
import { type Lease, parseWork } from "@ourocodus/protocol";
import type { Offers } from "./offers.ts";
import type { Found, OutcomeReader } from "./outcome_reader.ts";
import type { Outcomes } from "./outcomes.ts";
import type { Role } from "./role.ts";
import type { Turn } from "./turn.ts";
import { monotonicMs, newWork, type Work } from "./work.ts";
import type { Works } from "./works.ts";

/** What {@linkcode Deliveries} needs. */
export interface DeliveriesOptions {
  readonly works: Works;
  readonly outcomes: Outcomes;
  readonly outcomeReader: OutcomeReader;
  readonly acknowledger: Acknowledger;
  readonly exchange: LeaseExchange;
  /** After so many attempts a work item is given up on. */
  readonly maxDeliver: number;
  readonly offers: Offers;
  readonly turn: Turn;
}

/** The last loss of the connection. */
interface Restored {
  readonly at: number;
  /** By {@linkcode monotonicMs}. */
  readonly since: number;
  /** Sequences of work that other relays have. */
  readonly elsewhere: Promise<ReadonlySet<number>>;
}

/** How long another relay has to say that it has work, in milliseconds. */
const ANSWER_MS = 300;
/** The same just after the connection was restored: the others may still be reconnecting. */
const RESTORED_ANSWER_MS = 2_500;
const RESTORED_MS = 10_000;

/** Decides it. */
export class Deliveries {
  readonly #options: DeliveriesOptions;
  #restored: Restored | undefined;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
  }

  /** How long to wait for other relays' answers now, in milliseconds. */
  get answerMs(): number {
    const recently = monotonicMs() - (this.#restored?.since ?? -Infinity) < RESTORED_MS;
    return recently ? RESTORED_ANSWER_MS : ANSWER_MS;
  }

  /** NATS is back. */
  restored(now: number): void {
    const elsewhere = this.#options.exchange.heldElsewhere(RESTORED_ANSWER_MS);
    this.#restored = { at: now, since: monotonicMs(), elsewhere };
  }

  /** Work has come. */
  delivered(role: Role, { lease: delivered, text }: Delivery): void {
    const { works, acknowledger } = this.#options;
    const lease = works.counted(delivered);
    const known = works.renew(lease);
    // A plain agent still works on it, but it is answered: the acknowledgement was lost.
    if (known?.state === "answered") return acknowledger.acknowledge(lease.subject);
    if (known !== undefined) return;
    const parsed = text === undefined ? undefined : parseWork(text);
    const id = parsed?.kind === "ok" ? parsed.message.id : parsed?.id ?? `work-${lease.sequence}`;
    const { session, role: name } = role.id;
    const work = newWork({ id, session, role: name, state: "waiting" }, lease);
    works.add(work);
    if (text === undefined || parsed === undefined) {
      return works.bury(work, { code: "invalid_message", message: "message is not UTF-8" });
    }
    if (parsed.kind === "invalid") {
      return works.bury(work, { code: "invalid_message", message: parsed.reason });
    }
    if (works.wasReturned(lease) || (lease.attempt === 1 && !this.#mayBeKnown(lease))) {
      return this.#open(role, work, text);
    }
    void this.#openUnlessTaken(role, work, text);
  }

  #open(role: Role, work: Work, text: string): void {
    const { attempt } = work.lease;
    const { maxDeliver, works, offers } = this.#options;
    if (attempt <= maxDeliver) return offers.offer(role, work, text);
    const message = `given up after ${attempt - 1} attempts without a result`;
    works.bury(work, { code: "max_deliver", message });
  }

  /** Offers work that another relay had, if that has died before anybody answered the work. */
  async #openUnlessTaken(role: Role, work: Work, text: string): Promise<void> {
    const { works, outcomes, turn } = this.#options;
    role.reserved++;
    const isFirst = work.lease.attempt === 1;
    const found = await (isFirst ? this.#knownBefore(work) : this.#find(work)).finally(() => {
      role.reserved--;
      turn.role(role);
    });
    // It was cancelled meanwhile, or its agent has resumed it.
    if (works.get(work.lease.work) !== work || work.state !== "waiting") return;
    if (found?.kind === "open") return this.#open(role, work, text);
    works.forget(work);
    if (found?.kind === "answered") await outcomes.finish(work, found);
  }

  async #find(work: Work): Promise<Found | { readonly kind: "elsewhere" } | undefined> {
    const { exchange, outcomeReader } = this.#options;
    const [kept, found] = await Promise.all([
      exchange.keptElsewhere([work.lease], () => this.answerMs),
      outcomeReader.lookUp(work),
    ]);
    // Without an answer nothing is known, as without what was found.
    return kept?.has(work.lease.work) ? { kind: "elsewhere" } : kept && found;
  }

  /** Whether work that comes as a first attempt may have been delivered before. */
  #mayBeKnown(lease: Lease): boolean {
    return this.#restored !== undefined && lease.storedAtMs < this.#restored.at;
  }

  async #knownBefore(
    work: Work,
  ): Promise<Found | { readonly kind: "open" | "elsewhere" } | undefined> {
    const restored = this.#restored;
    if (restored === undefined) return { kind: "open" };
    const [elsewhere, accepted] = await Promise.all([
      restored.elsewhere,
      this.#options.outcomeReader.accepted(work),
    ]);
    const isKnown = accepted !== undefined || elsewhere.has(work.lease.sequence);
    return isKnown ? await this.#find(work) : { kind: "open" };
  }
}

/**
 * All work that this relay answers for, from its delivery until its outcome is stored or it is
 * given back. Its leases are kept alive for as long as it is here, however long that takes.
 *
 * @module
 */
import { getLogger } from "@logtape/logtape";
import { type Connection, TurnoverMap, type WorkQueue } from "@ourocodus/bus";
import { type Lease, messageOf } from "@ourocodus/protocol";
import type { Reason } from "./dead_letter.ts";
import { Grace } from "./grace.ts";
import type { Journal } from "./journal.ts";
import type { RelayMetrics } from "./metrics.ts";
import type { Outcomes } from "./outcomes.ts";
import { monotonicMs, type Work, workItem } from "./work.ts";

/** What {@linkcode Works} needs. */
export interface WorksOptions {
  readonly connection: Connection;
  readonly queue: WorkQueue;
  readonly outcomes: Outcomes;
  readonly journal: Journal;
  readonly metrics: RelayMetrics;
  /** After so many attempts a work item is given up on. */
  readonly maxDeliver: number;
  /** How long an agent may take to come back to its work, in milliseconds; 0 is not at all. */
  readonly graceMs: number;
  /** Work is about to be given back. */
  readonly onReturn: (lease: Lease) => void;
  /** Something has been recorded or given back on a timer's behalf. */
  readonly onPending: () => void;
}

/** As many work items are remembered to have been given back. */
const REMEMBERED = 10_000;
/** And for so long, in milliseconds. */
const RETURNED_MS = 60_000;
const log = getLogger(["ourocodus", "relay"]);

/** What is remembered of work that was given back. */
interface Returned {
  /** The attempt that ended so. */
  readonly attempt: number;
  /** When, by {@linkcode monotonicMs}. */
  readonly at: number;
}

/** The work items of a relay. */
export class Works {
  readonly #options: WorksOptions;
  /** The work's identity → the work. */
  readonly #works = new TurnoverMap<string, Work>();
  /**
   * Role and identity → work that an agent says it has. Apart from the others while it is looked
   * up, since it may be another role's: agents may send what they like.
   */
  readonly #claims = new Map<string, Work>();
  /** What to give back as soon as NATS is there again. */
  #returns: { readonly lease: string; readonly keptAt: number; readonly delayMs: number }[] = [];
  /** Work that was given back, here or elsewhere, by its identity, the oldest first. */
  readonly #returned = new Map<string, Returned>();
  readonly #grace: Grace;

  constructor(options: WorksOptions) {
    this.#options = options;
    this.#grace = new Grace({
      graceMs: options.graceMs,
      onExpired: (works, message) => {
        for (const work of works) this.retry(work, { code: "disconnected", message });
        options.onPending();
      },
    });
  }

  /** Whether agents that lose their sockets keep their work for a while. */
  get hasGrace(): boolean {
    return this.#grace.isOn;
  }

  /** How many there are. */
  get size(): number {
    return this.#works.size + this.#claims.size;
  }

  /** The work with this identity, if it is here; for an agent's leases there is {@linkcode find}. */
  get(identity: string): Work | undefined {
    const known = this.#works.get(identity);
    return known ?? this.#claims.values().find(({ lease }) => lease.work === identity);
  }

  /** The work that a lease is for, if it is here and of the lease's session and role. */
  find(lease: Lease): Work | undefined {
    const work = this.#works.get(lease.work);
    if (work?.lease.roleKey === lease.roleKey) return work;
    return this.#claims.size === 0 ? undefined : this.#claims.get(claimOf(lease));
  }

  /** Takes work on that was delivered. */
  add(work: Work): void {
    this.#works.set(work.lease.work, work);
  }

  /** Takes work on that an agent says it has. */
  claim(work: Work): void {
    this.#claims.set(claimOf(work.lease), work);
  }

  /** What an agent said that it has is its role's work, and has no outcome. */
  verified(work: Work): void {
    if (this.#claims.delete(claimOf(work.lease))) this.add(work);
  }

  /** All of them. */
  *all(): Generator<Work> {
    yield* this.#works.values();
    yield* this.#claims.values();
  }

  /** Lets go of work, wherever it is. */
  forget(work: Work): void {
    work.holder?.release(work);
    if (work.state === "held") this.#grace.drop(work);
    const { lease } = work;
    if (this.#works.delete(lease.work, work) || this.#claims.size === 0) return;
    if (this.#claims.get(claimOf(lease)) === work) this.#claims.delete(claimOf(lease));
  }

  /**
   * Notes that work which is here was delivered once more: its lease had run out. The agent that has it
   * goes on with it, unless it is `answered`.
   *
   * @returns The work, if it is here.
   */
  renew(lease: Lease): Work | undefined {
    const work = this.find(lease);
    if (work === undefined || work.state === "answered") return work;
    work.lease = lease;
    work.lapsed = false;
    work.keptAt = monotonicMs();
    return work;
  }

  /** Keeps work of an agent whose socket is gone. @param reason How that ended. */
  hold(agent: string, works: readonly Work[], reason: string): void {
    for (const work of works) work.holder?.release(work);
    this.#grace.keep(agent, works, reason);
  }

  /** Work that is kept for an agent, which is back. */
  takeHeld(agent: string): Work[] {
    return this.#grace.take(agent);
  }

  /** All work that is kept for agents. */
  takeAllHeld(): Work[] {
    return this.#grace.takeAll();
  }

  /** Lets go of work without giving it back: its agent resumes it elsewhere, while its lease lives. */
  leave(work: Work): void {
    const { connection, queue } = this.#options;
    if (connection.connected && !work.lapsed) queue.keepAlive(work.lease.subject);
    this.forget(work);
  }

  /**
   * The delivery with the attempt that counts. JetStream counts from one again when a consumer is
   * made again.
   */
  counted(lease: Lease): Lease {
    const before = this.#returned.size === 0 ? 0 : this.#returned.get(lease.work)?.attempt ?? 0;
    return lease.attempt > before ? lease : { ...lease, attempt: before + 1 };
  }

  /** Notes that another relay has given work back. */
  returned(lease: Lease): void {
    this.#remember(lease);
  }

  /** Stops its timers. */
  close(): void {
    this.#grace.takeAll();
  }

  /** Gives work back for another attempt, or gives it up if there have been enough. */
  retry(work: Work, why: Reason, delayMs = 0): void {
    work.lease = this.counted(work.lease);
    const { attempt } = work.lease;
    if (attempt < this.#options.maxDeliver) {
      return this.giveBack(work, why.code, { delayMs, error: why.message });
    }
    const message = `given up after ${attempt} attempts; the last one: ${why.code}` +
      (why.message === "" ? "" : `, ${why.message}`);
    this.bury(work, { code: "max_deliver", message });
  }

  /**
   * Gives work back to the queue.
   *
   * @param reason Machine-readable, for the events.
   * @param options `delayMs`: when it may be handed out again, at once by default; `error`: the
   * reason in words.
   */
  giveBack(
    work: Work,
    reason: string,
    { delayMs = 0, error = "" }: { readonly delayMs?: number; readonly error?: string } = {},
  ): void {
    const { connection, queue, journal, metrics, onReturn } = this.#options;
    metrics.returned++;
    const words = error === "" ? {} : { error };
    journal.work(work.session, "work.returned", workItem(work, { reason, ...words }));
    this.forget(work);
    // JetStream does not fence: giving back what has run out takes it from the agent that has it now.
    if (work.lapsed) return;
    this.#remember(work.lease);
    onReturn(work.lease);
    const { subject: lease } = work.lease;
    if (connection.connected) queue.giveBack(lease, delayMs);
    else this.#returns.push({ lease, keptAt: work.keptAt, delayMs });
  }

  /**
   * Whether the attempt before this one was given back here, lately: then it is known to have had
   * no outcome. Work of a relay that died may have one already.
   */
  wasReturned({ work, attempt }: Lease): boolean {
    const returned = this.#returned.get(work);
    return returned?.attempt === attempt - 1 && monotonicMs() - returned.at < RETURNED_MS;
  }

  /** Gives work up: it becomes a dead letter, with an error result. */
  bury(work: Work, reason: Reason): void {
    const item = workItem(work, { reason: reason.code, error: reason.message });
    work.holder?.release(work);
    if (work.state === "held") this.#grace.drop(work);
    work.state = "settling";
    this.#options.outcomes.bury(work, reason).then((dead) => {
      if (!dead) return;
      this.#options.metrics.dead++;
      log.warn("work is dead", { session: work.session, ...item });
      this.#options.journal.work(work.session, "work.dead", item);
    }, (error) => log.error("work cannot be buried", { ...item, error: messageOf(error) })).finally(
      () => this.forget(work),
    );
  }

  #remember(lease: Lease): void {
    const { work, attempt } = this.counted(lease);
    this.#returned.delete(work);
    this.#returned.set(work, { attempt, at: monotonicMs() });
    if (this.#returned.size <= REMEMBERED) return;
    for (const oldest of this.#returned.keys()) {
      this.#returned.delete(oldest);
      return;
    }
  }

  /** Keeps every lease alive that has not been for a third of its time. Called a few times in it. */
  keepAlive(now: number): void {
    const { connection, queue } = this.#options;
    if (!connection.connected) return;
    for (const work of this.all()) {
      const age = now - work.keptAt;
      if (work.state === "answered" || age < queue.ackWaitMs / 3) continue;
      this.#keep(work, now);
    }
  }

  #keep(work: Work, now: number): void {
    const { queue } = this.#options;
    if (now - work.keptAt >= queue.ackWaitMs) work.lapsed = true;
    work.keptAt = now;
    queue.keepAlive(work.lease.subject);
  }

  /** NATS is back: keeps what is here, gives back what should have been. */
  restored(now: number): void {
    const { queue } = this.#options;
    for (const work of this.all()) {
      if (work.state !== "answered") this.#keep(work, now);
    }
    for (const { lease, keptAt, delayMs } of this.#returns) {
      if (now - keptAt < queue.ackWaitMs) queue.giveBack(lease, delayMs);
    }
    this.#returns = [];
  }
}

function claimOf({ roleKey, work }: Lease): string {
  return `${roleKey} ${work}`;
}

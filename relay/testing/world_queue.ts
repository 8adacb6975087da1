import assert from "node:assert/strict";
import { type AttemptRecord, type Lease, NO_ATTEMPTS } from "@ourocodus/protocol";
import type { Found } from "../attempt_effects.ts";
import { leaseOf } from "./fake_effects.ts";

/** How long a lease lives unless it is extended, in milliseconds. */
export const ACK_WAIT_MS = 30_000;
const MAX_WORKS = 6;
const UTF8 = new TextEncoder();

/** A work item in the queue. */
export interface QueuedWork {
  readonly sequence: number;
  readonly id: string;
  readonly conversation: string | undefined;
  /** How often it was delivered. */
  deliveries: number;
  /** Until when it is leased; 0 if it waits. */
  leasedUntil: number;
  /** Whether its message is none. */
  readonly invalid: boolean;
  /** Whether a relay has left it to its agent, or to another relay. */
  left: boolean;
  /** Whether a lease of it has run out, so that two may have it. */
  lapsed: boolean;
  /** Of which attempt the accepted outcome is; 0 of a cancelled one. */
  outcome?: number;
  acknowledged: boolean;
  dead: boolean;
  /** What the log has of its ended attempts. */
  record: AttemptRecord;
}

/** The queue and the log of a world without NATS. Its time is its own. */
export class WorldQueue {
  readonly works: QueuedWork[] = [];
  now = 1_000_000;

  /** Somebody sends work, unless there is enough. */
  publish(which: number): void {
    if (this.works.length >= MAX_WORKS) return;
    this.works.push({
      sequence: this.works.length + 1,
      // Two may have one id, which a plain agent cannot have at once.
      id: `w${which % 3}`,
      conversation: which % 5 < 2 ? "c" : undefined,
      deliveries: 0,
      leasedUntil: 0,
      invalid: which % 13 === 0,
      left: false,
      lapsed: false,
      acknowledged: false,
      dead: false,
      record: NO_ATTEMPTS,
    });
  }

  /** Whether earlier work of its conversation is in the queue. */
  hasEarlier(lease: Lease): boolean {
    const { sequence, conversation } = this.of(lease);
    return this.works.some((work) =>
      work.sequence < sequence && work.conversation === conversation && !work.acknowledged
    );
  }

  /** Delivers one of the work items that wait, or whose lease has run out. */
  deliver(which: number): { readonly lease: Lease; readonly text: string } | undefined {
    const ready = this.works.filter((work) => !work.acknowledged && work.leasedUntil <= this.now);
    const work = pick(ready, which);
    if (work === undefined) return undefined;
    if (work.leasedUntil > 0) work.lapsed = true;
    work.left = false;
    work.deliveries++;
    work.leasedUntil = this.now + ACK_WAIT_MS;
    const lease = leaseOf(work.deliveries, work.sequence);
    return { lease, text: work.invalid ? "none" : textOf(work) };
  }

  /** The work item of a lease. */
  of({ sequence }: Lease): QueuedWork {
    const work = this.works[sequence - 1];
    assert.ok(work);
    return work;
  }

  /** The work item of a lease that is still to be acknowledged, and does not wait. */
  leased(lease: Lease): QueuedWork | undefined {
    const work = this.works[lease.sequence - 1];
    return work === undefined || work.acknowledged || work.leasedUntil === 0 ? undefined : work;
  }

  extend(lease: Lease): void {
    const work = this.leased(lease);
    if (work !== undefined) work.leasedUntil = this.now + ACK_WAIT_MS;
  }

  release(lease: Lease): void {
    const work = this.leased(lease);
    if (work !== undefined) work.leasedUntil = 0;
  }

  /** A relay has let go of it, since another one has it: if both do, its lease has to run out. */
  leave({ sequence }: Lease): void {
    const work = this.works[sequence - 1];
    if (work !== undefined) work.left = true;
  }

  acknowledge(lease: Lease): void {
    const work = this.of(lease);
    assert.ok(work.outcome !== undefined || work.dead, "only what has an outcome is acknowledged");
    work.acknowledged = true;
  }

  /** What stream and log say of it. */
  find(lease: Lease): Exclude<Found, { readonly kind: "elsewhere" }> {
    const work = this.of(lease);
    const data = UTF8.encode(textOf(work));
    if (work.acknowledged) return { kind: "gone" };
    if (work.outcome === undefined && !work.dead) {
      return { kind: "open", data, record: work.record };
    }
    return { kind: "answered", data, accepted: { attempt: 1 } as never };
  }
}

/** One of several, which a number chooses. */
export function pick<T>(all: readonly T[], which: number): T | undefined {
  return all[which % Math.max(1, all.length)];
}

/** A work item's identity. */
export function identityOf({ sequence }: QueuedWork): string {
  return leaseOf(1, sequence).work;
}

function textOf({ id, conversation }: QueuedWork): string {
  return JSON.stringify({ id, type: "work", payload: {}, conversation });
}

/**
 * What an attempt is to others, and what it asks of them: of the agent that has it, of its role, and
 * of the relay. They do it at once, or at the end of the turn of the event loop. Callbacks come later,
 * never before the call has returned.
 *
 * @module
 */
import type { AcceptedOutcome, Stored } from "@ourocodus/bus";
import type { AttemptRecord, CancelReason, Lease, WorkLimits } from "@ourocodus/protocol";
import type { AttemptLimits, AttemptTime } from "./attempt_time.ts";
import type { Reason } from "./dead_letter.ts";
import type { Released } from "./settlement.ts";

/** An attempt, as others see it. */
export interface AttemptView {
  /** The message's `id`: how plain agents name it. Empty until it is known. */
  readonly id: string;
  readonly session: string;
  readonly role: string;
  /** The delivery that counts now; newer than `offered` if JetStream has delivered it again. */
  readonly lease: Lease;
  /** The lease that its agent was given. */
  readonly offered: string;
  /** That lease's number, from 1; the queue may have counted more since, see `lease`. */
  readonly number: number;
  /** The id of the agent that has it, or had it last. */
  readonly agentId: string | undefined;
  /** The conversation that the work item names. */
  readonly conversation: string | undefined;
  /** What the work item's ended attempts have left, this one among them once it has ended. */
  readonly record: AttemptRecord;
  /** Whether enough attempts were charged. If all are one agent's, only another one may take it. */
  readonly isSpent: boolean;
  /** When it was delivered, in milliseconds since 1970: for people, and to compare with servers' clocks. */
  readonly deliveredAt: number;
  /** The same by `performance.now`, which no change of the clock touches. */
  readonly since: number;
  /** When it was sent to its agent, by `performance.now`; 0 if it was not sent by this relay. */
  readonly sentAt: number;
  /** How long it may take; undefined if as long as it likes. */
  readonly time: AttemptTime | undefined;
  /** When its lease was last extended, by `performance.now`. */
  readonly keptAt: number;
}

/** An agent that has attempts, or says so. */
export interface Holder {
  readonly agentId: string;
  readonly v1: boolean;
  /** Whether it has a name of its own, by which it is known when it comes back. */
  readonly named: boolean;
  readonly closed: boolean;
  /** Whether it has said which leases it has, with `resume`. */
  readonly hasResumed: boolean;
  /** How its socket has ended. */
  readonly end: { readonly reason: string };
  /** Whether not all that it was sent had left this process when its socket ended. */
  readonly hasUnsent: boolean;
  /** Whether it may come back to what it has. */
  readonly mayComeBack: boolean;
  /** How many of its outcomes are being stored. */
  unsettled: number;
  /** One of its slots is taken. */
  take(attempt: AttemptView): void;
  /** The slot is free again. */
  letGo(attempt: AttemptView): void;
  /** Sends it the attempt's message. */
  sendWork(attempt: AttemptView, text: string): void;
  tellResumed(lease: string): void;
  tellCancelled(lease: string, reason: CancelReason): void;
  /** It is not to go on: it is told, or closed if it cannot be. */
  takeAway(lease: string, reason: CancelReason): void;
  /** It is connected elsewhere: its socket can only be half open. */
  replaced(): void;
}

/** The agents of a role. */
export interface RoleSlots {
  /** How many attempts are looked up before they are offered; each will need a slot. */
  reserved: number;
  /** Attempts that wait for an agent which has a free slot but cannot take them now. */
  readonly queued: Set<AttemptView>;
  /** Attempts that wait for earlier work of their conversations; they need no slot yet. */
  readonly inLine: Set<AttemptView>;
}

/** What an attempt is to do that waits for its turn in its conversation. */
export type Turn =
  /** It is its turn. */
  | { readonly kind: "now" }
  /** It is not in the queue any more: it was cancelled. */
  | { readonly kind: "gone" }
  /** Its work goes back into the queue for a while. */
  | { readonly kind: "later"; readonly delayMs: number };

/** Told when it is an attempt's turn. */
export interface InLine {
  readonly onTurn: (turn: Turn) => void;
}

/** What was found out about a work item. */
export type Found =
  /** It has no outcome. */
  | { readonly kind: "open"; readonly data: Uint8Array; readonly record: AttemptRecord }
  | Answered
  /** It is not in its stream any more. */
  | { readonly kind: "gone"; readonly accepted?: AcceptedOutcome }
  /** Another agent has it, or another relay. */
  | { readonly kind: "elsewhere" };

/** The log has an outcome of work that is still in its stream. */
export interface Answered {
  readonly kind: "answered";
  readonly data: Uint8Array;
  readonly accepted: AcceptedOutcome;
}

/** An agent's answer. */
export interface Answer {
  /** Its message, without the lease. */
  readonly text: string;
  readonly type: string;
}

/** What an attempt asks of the relay. */
export interface Effects {
  /** A work item dies after this many charged attempts. */
  readonly maxDeliver: number;
  /** Whether agents that lose their sockets keep their work for a while. */
  readonly hasGrace: boolean;
  /** Whether the relay is ending. */
  readonly draining: boolean;
  /**
   * An agent of the role for it, if possible one that has not tried; `wait`, if one has a free slot but
   * cannot take it now, or another one is to take it.
   */
  findSlot(role: RoleSlots, attempt: AttemptView): Holder | "wait" | undefined;
  /** Whether an agent of its role takes work that has not tried this. */
  hasOther(attempt: AttemptView): boolean;
  /** An agent has more free slots, or fewer. */
  slotsChanged(agent: Holder): void;
  /** An attempt does not need a slot of the role any more. */
  roleChanged(role: RoleSlots): void;
  /** Another connection of the same agent, a newer one. */
  newerOf(agent: Holder): Holder | undefined;
  /** Its agent has lost its socket, and may come back for a while. @returns Calls that off. */
  startGrace(attempt: AttemptView, onOver: () => void): () => void;
  /** Asks other relays, the stream and the log for it. Unanswered if the relay ends meanwhile. */
  check(role: RoleSlots, attempt: AttemptView, onFound: (found: Found) => void): void;
  /** It waits for its turn in its conversation. @returns Calls that off. */
  stand(role: RoleSlots, attempt: AttemptView, inLine: InLine): () => void;
  /** Reads its message; `undefined` if it is not in the stream any more. */
  read(attempt: AttemptView, onRead: (text: string | undefined) => void): void;
  /** This many more characters of what agents have said are kept; fewer if negative. */
  keepSaid(characters: number): void;
  /** How long it may take at an agent; undefined if as long as it likes. */
  limitsOf(
    attempt: AttemptView,
    agent: Holder,
    limits: WorkLimits | undefined,
  ): AttemptLimits | undefined;
  /** Its lease begins anew. */
  extend(attempt: AttemptView): void;
  /** The delivery with the number that counts: the queue may have begun to count anew. */
  counted(lease: Lease): Lease;
  /**
   * Releases it, and tells other relays, so that nobody is asked before its next attempt: the queue
   * hands it out again after `delayMs`.
   *
   * @param recorded Whether its record has changed, and is stored first.
   */
  release(attempt: AttemptView, delayMs: number, recorded: boolean): void;
  /** Stores its record, which has changed while an agent has it. */
  storeRecord(attempt: AttemptView): void;
  /** The queue keeps it for a while, and nobody is told: it came before its time, or to the wrong relay. */
  putOff(attempt: AttemptView, delayMs: number): void;
  /** Releases it and tells nobody: other relays are asked about it before its next attempt. */
  putBack(lease: Lease): void;
  /** Its work has an outcome, and is not needed in the queue any more. */
  acknowledge(lease: Lease): void;
  /** Stores its outcome, and acknowledges it. */
  store(attempt: AttemptView, answer: Answer, onSettled: (stored: Stored) => void): void;
  /**
   * Stores an error outcome and a dead letter, unless there is an outcome, and acknowledges it.
   *
   * @param onBuried Called once, with `false` if nothing was done: other relays have agents that have
   * not tried it.
   */
  deadLetter(attempt: AttemptView, reason: Reason, onBuried: (done: boolean) => void): void;
  /** It has an outcome: stores the dead letter if that is missing, and acknowledges it. */
  finish(attempt: AttemptView, found: Answered): void;
  /** Tells an agent what became of its answer. */
  tellSettled(attempt: AttemptView, agent: Holder, stored: Stored): void;
  /** Tells a plain agent that its answer came too late. */
  tellDuplicate(attempt: AttemptView, agent: Holder): void;
  /** Records that it was handed to an agent. */
  recordOffered(attempt: AttemptView): void;
  /** Records that it was released. @param released With what is told of it. */
  recordReleased(attempt: AttemptView, reason: Reason, released: Released): void;
  /** What an agent said that it has is its role's work, and has no outcome. */
  verified(attempt: AttemptView): void;
  /** It is not this relay's any more. */
  ended(attempt: AttemptView): void;
}

/** What events say of an attempt. */
export type AttemptName = Pick<AttemptView, "lease" | "id" | "role" | "number" | "agentId">;

/** How events name an attempt. */
export function attemptItem(attempt: AttemptName, more: object = {}): Record<string, unknown> {
  return {
    seq: attempt.lease.sequence,
    id: attempt.id,
    role: attempt.role,
    attempt: attempt.number,
    agent_id: attempt.agentId,
    ...more,
  };
}

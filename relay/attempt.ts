/**
 * An attempt: one delivered work item, from its delivery until it is released, acknowledged or dead.
 *
 * | state        | means                                                    | leaves by |
 * | ------------ | -------------------------------------------------------- | --------- |
 * | `new`        | delivered, or named by an agent, just now                | at once   |
 * | `checking`   | delivered, and another relay or agent may have it, or it may have an outcome | nobody has it → offered; else forgotten, or acknowledged |
 * | `resuming`   | an agent says that it has it, and that is looked up      | it has → `running`; else the agent is told, and it is forgotten |
 * | `in_line`    | earlier work of its conversation comes first             | its turn → offered; too much waits → released |
 * | `queued`     | for an agent that has a free slot but cannot take it now | a slot → `running`; no agent any more → released |
 * | `running`    | an agent has it                                          | outcome → `settling`; retried → released; socket lost → `away` |
 * | `away`       | the agent that has it has lost its socket                | the agent is back → `running`; the grace period is over → released |
 * | `settling`   | its outcome is being stored                              | stored, or refused by the stream → acknowledged |
 * | `superseded` | it has an outcome, and a plain agent, which cannot be told, works on | the agent's answer, or its socket's end → forgotten |
 * | `ended`      | it is not this relay's any more                          | never     |
 *
 * Invariants:
 * 1. Only the methods of this class set its state, and only `#become` does it for them: what a state
 *    takes (an agent's or a role's slot, a timer) is taken when it is entered and freed when it is
 *    left.
 * 2. Each lease that an agent names is answered: resumed, cancelled or refused.
 * 3. An answer to a question counts only in the state that asked it.
 *
 * @module
 */
import {
  AGENT_TYPE,
  type AttemptRecord,
  type CancelReason,
  conversationOf,
  formatMessage,
  invalidConversation,
  type Lease,
  type Message,
  NO_ATTEMPTS,
  notBefore,
  onlyCharged,
  parseWork,
  type RoleId,
  workId,
  type WorkLimits,
  workLimits,
} from "@ourocodus/protocol";
import type { Answer, AttemptView, Effects, Found, Holder, RoleSlots } from "./attempt_effects.ts";
import {
  type AttemptState,
  ENDED,
  hearSaid,
  holderIn,
  NEW,
  type Resuming,
  Running,
  type Said,
  Settling,
} from "./attempt_state.ts";
import type { Reason } from "./dead_letter.ts";
import { inWords } from "./in_words.ts";
import { AttemptTime } from "./attempt_time.ts";
import { msLeft, type Released, spentReason, UNCHARGED, withAttempt } from "./settlement.ts";

/**
 * A message that was sent longer than this before its socket ended has arrived, in milliseconds: a
 * later ping was answered, or the socket would have ended earlier.
 */
const ARRIVED_MS = 45_000;
/** Work that comes earlier than this before its time is put off, in milliseconds. */
const EARLY_MS = 100;
/** How long work is put off that only another relay has an agent for, in milliseconds. */
const LEFT_MS = 1_000;
/** How many messages about one attempt may wait until it is known who has it. */
const MAX_SAID = 1_000;
const DECODER = new TextDecoder();
const CAME_BACK_WITHOUT: Reason = {
  code: "disconnected",
  message: "the agent came back without it",
};

/** One delivered work item. */
export class Attempt implements AttemptView {
  readonly session: string;
  readonly role: string;
  readonly deliveredAt: number = Date.now();
  readonly since: number = performance.now();
  readonly #effects: Effects;
  #state: AttemptState = NEW;
  #id = "";
  #lease: Lease;
  #offered: string;
  #number: number;
  #agentId: string | undefined;
  #v1 = false;
  #record: AttemptRecord = NO_ATTEMPTS;
  /** When its message was sent, by `performance.now`. */
  #sentAt = 0;
  #asked: WorkLimits | undefined;
  #conversation: string | undefined;
  #time: AttemptTime | undefined;
  /** Whether its time is over, and its outcome being stored, though a plain agent has it still. */
  #failing = false;
  /** Whether its agent has said something about it. */
  #heard = false;
  /** Whether its agent was lost before all that it was sent had left. */
  #unsent = false;
  #keptAt: number = this.since;
  /** Whether its lease may have run out, so that another agent may have the work too. */
  #lapsed = false;
  /** Whether another relay has it too: its agent may have resumed it there. */
  #isElsewhere = false;

  /** @param lease How it was delivered, or what an agent says that it has. */
  constructor(lease: Lease, { session, role }: Pick<RoleId, "session" | "role">, effects: Effects) {
    this.session = session;
    this.role = role;
    this.#lease = lease;
    this.#offered = lease.subject;
    this.#number = lease.attempt;
    this.#effects = effects;
  }

  get state(): AttemptState["kind"] {
    return this.#state.kind;
  }

  get id(): string {
    return this.#id;
  }

  get lease(): Lease {
    return this.#lease;
  }

  get offered(): string {
    return this.#offered;
  }

  get number(): number {
    return this.#number;
  }

  get agentId(): string | undefined {
    return this.#agentId;
  }

  get keptAt(): number {
    return this.#keptAt;
  }

  get conversation(): string | undefined {
    return this.#conversation;
  }

  get record(): AttemptRecord {
    return this.#record;
  }

  get isSpent(): boolean {
    return this.#record.charges.length >= this.#effects.maxDeliver;
  }

  get sentAt(): number {
    return this.#sentAt;
  }

  get time(): AttemptTime | undefined {
    return this.#time;
  }

  /** Whether an agent may do it though it is spent: all charges are another one's. */
  get #mayBeDone(): boolean {
    return onlyCharged(this.#record) !== undefined && this.#effects.hasOther(this);
  }

  /** The agent that has it, or says so. */
  get holder(): Holder | undefined {
    return holderIn(this.#state);
  }

  // --- From the queue ------------------------------------------------------------------------------

  /**
   * It was delivered for a role.
   *
   * @param text The message; `undefined` if it is not UTF-8.
   * @param record What its ended attempts have left; `undefined` if that is not known: then another may
   * have it, or it may have an outcome.
   */
  delivered(role: RoleSlots, text: string | undefined, record: AttemptRecord | undefined): void {
    const parsed = text === undefined ? undefined : parseWork(text);
    this.#id = workId(parsed, this.#lease.sequence);
    if (text === undefined || parsed?.kind !== "ok") {
      const message = parsed?.kind === "invalid" ? parsed.reason : "message is not UTF-8";
      return this.#bury({ code: "invalid_message", message });
    }
    const limits = workLimits(parsed.message);
    const wrong = typeof limits === "string" ? limits : invalidConversation(parsed.message);
    if (wrong !== undefined) return this.#bury({ code: "invalid_message", message: wrong });
    this.#read(parsed.message);
    if (record !== undefined) return this.#open(role, text, record);
    const asking = { kind: "checking", role } as const;
    this.#become(asking);
    this.#effects.check(role, this, (found) => {
      if (this.#state === asking) this.#checked(role, text, found);
    });
  }

  /** It was delivered once more: its lease had run out. Its agent goes on with it. */
  redelivered(lease: Lease): void {
    // A plain agent still works on it, but it has its outcome: the acknowledgement was lost.
    if (this.#state.kind === "superseded") this.#effects.acknowledge(lease);
    else this.renew(lease);
  }

  /** It was delivered here or to another relay. @returns Whether it stays here. */
  renew(lease: Lease): boolean {
    if (this.#state.kind === "superseded") return false;
    this.#lease = lease;
    this.#lapsed = false;
    this.#keptAt = performance.now();
    return true;
  }

  /**
   * Extends its lease, unless it has an outcome.
   *
   * @param now By `performance.now`.
   * @param ackWaitMs How long a lease lives, in milliseconds.
   */
  extend(now: number, ackWaitMs: number): void {
    if (this.#state.kind === "superseded") return;
    if (now - this.#keptAt >= ackWaitMs) this.#lapsed = true;
    this.#keptAt = now;
    this.#effects.extend(this);
  }

  // --- From agents ---------------------------------------------------------------------------------

  /** An agent of its role can take it. */
  slotFound(agent: Holder): void {
    if (this.#state.kind === "queued") this.#give(agent, this.#state.text);
  }

  /** No agent of its role takes work any more. @param reason Machine-readable, for the events. */
  noAgent(reason: "no_agent" | "disconnected" | "draining"): void {
    const { kind } = this.#state;
    if (kind === "in_line") this.#return(0);
    else if (kind === "queued") this.#release({ code: reason, message: "" }, UNCHARGED);
  }

  /** Every agent of its role that takes work has tried it. */
  noOther(): void {
    if (this.#state.kind === "queued" && this.isSpent) this.#giveUp(() => this.#leaveToOthers());
  }

  /** Its agent has said something about it: it has it. */
  named(): void {
    if (this.#state.kind !== "running") return;
    this.#heard = true;
    this.#time?.heard();
    this.#state.named = true;
    this.#isElsewhere = false;
  }

  /** Its agent has said what it has, and this was not among it. */
  notNamed(): void {
    if (this.#state.kind === "running" && !this.#state.named) this.#lose(CAME_BACK_WITHOUT);
  }

  /**
   * Puts off what an agent says about it, until it is known whether it has it.
   *
   * @returns Whether it is put off.
   */
  defers(said: Said): boolean {
    const state = this.#state;
    if (state.kind !== "resuming" || state.said.length >= MAX_SAID) return false;
    state.said.push(said);
    this.#effects.keepSaid(said.characters);
    return true;
  }

  /** Its agent has answered it. */
  answered(answer: Answer): void {
    const state = this.#state;
    switch (state.kind) {
      case "running":
        this.#become(new Settling(state.agent));
        return this.#effects.store(this, answer, (stored) => {
          this.#become(ENDED);
          this.#effects.tellSettled(this, state.agent, stored);
        });
      case "superseded":
        this.#become(ENDED);
        return this.#effects.tellDuplicate(this, state.agent);
      default:
        return;
    }
  }

  /** Its agent releases it for another attempt. */
  retried(reason: Reason, released: Released): void {
    switch (this.#state.kind) {
      case "running":
        return this.#retry(reason, released);
      case "superseded":
        return this.#become(ENDED);
      default:
        return;
    }
  }

  /** Its agent's socket is gone. */
  socketLost(): void {
    const state = this.#state;
    if (state.kind === "superseded") return this.#become(ENDED);
    if (state.kind !== "running") return;
    if (this.#isElsewhere || this.#failing) return this.#become(ENDED);
    const { agent } = state;
    const lost: Reason = { code: "disconnected", message: agent.end.reason };
    const { hasGrace, draining } = this.#effects;
    this.#unsent = agent.hasUnsent;
    if (!hasGrace || !agent.mayComeBack) return this.#lose(lost);
    if (draining) return this.relayDrains();
    const endGrace = this.#effects.startGrace(this, () => this.#lose(lost));
    this.#become({ kind: "away", mayBeLost: this.#mayBeLost(state), endGrace });
    const newer = this.#effects.newerOf(agent);
    if (newer !== undefined) this.agentBack(newer);
  }

  /** Its agent has connected again, and may still have it. */
  agentBack(agent: Holder): void {
    const state = this.#state;
    if (state.kind !== "away" && state.kind !== "running") return;
    const mayBeLost = state.kind === "away" ? state.mayBeLost : this.#mayBeLost(state);
    if (state.kind === "running") this.#unsent = state.agent.hasUnsent;
    // Another protocol is another program, to which its leases mean nothing.
    const mayHaveIt = agent.named && agent.v1 === this.#v1 && !agent.hasResumed;
    if (!mayHaveIt) return this.#lose(CAME_BACK_WITHOUT);
    const running = this.#run(agent, !agent.v1 && !mayBeLost);
    if (!mayBeLost) return;
    // It cannot say that the message has not arrived, and would keep the slot forever.
    this.#effects.read(this, (text) => {
      if (this.#state !== running || running.named) return;
      if (text === undefined) return this.#become(ENDED);
      running.named = true;
      this.#send(agent, text);
    });
  }

  /**
   * An agent says that it has it, and is told what became of that.
   *
   * @returns What to look up first, if anything.
   */
  resumed(agent: Holder, lease: Lease): Resuming | undefined {
    const state = this.#state;
    switch (state.kind) {
      case "running": {
        const has = state.agent === agent && this.#offered === lease.subject;
        if (!has) return tellCancelled(agent, lease.subject, "lease_lost");
        // It may have been there meanwhile: that relay lets go of it when it is asked.
        if (this.#isElsewhere) return this.#resume(agent, lease);
        this.named();
        return void agent.tellResumed(lease.subject);
      }
      case "settling":
      case "superseded":
      case "ended":
        return tellCancelled(agent, lease.subject, "answered");
      case "away":
        return tellCancelled(agent, lease.subject, "lease_lost");
      case "resuming": {
        const isAsked = state.agent === agent && this.#offered === lease.subject;
        if (isAsked) return undefined;
        const isOlder = state.agent !== agent && state.agent.agentId === agent.agentId;
        if (!isOlder) return tellCancelled(agent, lease.subject, "lease_lost");
        // An earlier connection of it asked, and is gone. This one says again what that one has said.
        return this.#resume(agent, lease);
      }
      // Its lease had run out, but nobody has begun.
      case "checking":
      case "in_line":
      case "queued":
      case "new":
        return this.#resume(agent, lease);
    }
  }

  /** What an agent says that it has was looked up. @param asked What `resumed` has returned. */
  resumptionChecked(asked: Resuming, found: Found): void {
    if (this.#state !== asked) return;
    const { agent } = asked;
    if (found.kind === "open") {
      this.#record = found.record;
      const parsed = parseWork(DECODER.decode(found.data));
      this.#id = workId(parsed, this.#lease.sequence);
      if (parsed.kind === "ok") this.#read(parsed.message);
      this.#effects.verified(this);
      this.#isElsewhere = false;
      this.#run(agent, true);
      agent.tellResumed(this.#offered);
      if (agent.closed) this.socketLost();
    } else {
      this.#become(ENDED);
      // It was delivered here, too. The relay of its next attempt asks who has it now.
      const wasDelivered = found.kind === "elsewhere" && this.#lease.attempt > this.#number;
      if (wasDelivered && !this.#lapsed) this.#effects.putBack(this.#lease);
      agent.tellCancelled(this.#offered, lossOf(found));
    }
    hearSaid(asked);
  }

  // --- From other relays, people and the relay itself ----------------------------------------------

  /**
   * It has an outcome: it was cancelled, or an earlier attempt's result was stored. It is taken away
   * from its agent.
   *
   * @param by The agent whose result it is; it knows.
   */
  withdrawn(reason: CancelReason, by?: Holder): void {
    const state = this.#state;
    switch (state.kind) {
      case "settling":
      case "superseded":
        return;
      case "running":
        if (!state.agent.v1 && state.named) {
          return this.#become({ kind: "superseded", agent: state.agent });
        }
        this.#become(ENDED);
        if (state.agent !== by) state.agent.tellCancelled(this.#offered, reason);
        return;
      case "resuming":
        this.#become(ENDED);
        state.agent.tellCancelled(this.#offered, reason);
        return hearSaid(state);
      case "new":
      case "checking":
      case "in_line":
      case "queued":
      case "away":
      case "ended":
        return this.#become(ENDED);
    }
  }

  /** It waits for an agent: its time may be over meanwhile. */
  checkTime(): void {
    const isWaiting = this.#state.kind === "queued" || this.#state.kind === "in_line";
    if (isWaiting && this.#leftMs <= 0) this.#fail(this.#overdue);
  }

  /** It has taken too long: its outcome is an error. @param message Why, for people. */
  deadlineOver(message: string): void {
    const state = this.#state;
    switch (state.kind) {
      case "running":
        if (!state.agent.v1 && state.named) return this.#failPlain(state, message);
        state.agent.tellCancelled(this.#offered, "deadline_exceeded");
        return this.#fail(message);
      case "away":
        return this.#fail(message);
      default:
        return;
    }
  }

  /** Its agent has said nothing about it for too long. @param message The same for people. */
  noProgress(message: string): void {
    const state = this.#state;
    if (state.kind !== "running") return;
    if (this.#isElsewhere) return this.#become(ENDED);
    const { offered } = this;
    this.#retry({ code: "no_progress", message }, { delayMs: 0, charged: true });
    state.agent.takeAway(offered, "no_progress");
  }

  /** A person gives it more time. @param ms In milliseconds. @returns Whether an agent has it. */
  prolong(ms: number): boolean {
    if (this.#state.kind !== "running" && this.#state.kind !== "away") return false;
    this.#time?.prolong(ms);
    const { begun } = this.#record;
    if (begun !== undefined) {
      // Its deadline counts from then on, at whatever relay.
      this.#record = { ...this.#record, begun: new Date(Date.parse(begun) + ms).toISOString() };
      this.#effects.storeRecord(this);
    }
    return true;
  }

  /** An agent resumes a lease of it at another relay. @returns Whether it is not that agent's any more. */
  objectsTo(lease: Lease, agentId: string): boolean {
    const state = this.#state;
    switch (state.kind) {
      case "checking":
      case "in_line":
      case "queued":
        this.#become(ENDED);
        return false;
      case "resuming":
      case "running":
      case "away":
        if (this.#agentId !== agentId || this.#number > lease.attempt) return true;
        this.#become(ENDED);
        if (state.kind === "running") state.agent.replaced();
        if (state.kind !== "resuming") return false;
        state.agent.tellCancelled(this.#offered, "lease_lost");
        hearSaid(state);
        return false;
      case "new":
      case "settling":
      case "superseded":
      case "ended":
        return true;
    }
  }

  /**
   * Another relay has it too, which its agent may have come to while NATS was away here. It is that
   * relay's, unless its agent is here.
   */
  heldElsewhere(): void {
    if (this.#state.kind === "away") this.#become(ENDED);
    else this.#isElsewhere = true;
  }

  /** This relay ends. An agent that can resume it at another relay keeps it; else it is released. */
  relayDrains(): void {
    const state = this.#state;
    if (state.kind !== "running" && state.kind !== "away") return this.noAgent("draining");
    const named = state.kind === "away" || state.agent.named;
    if (!this.#v1 || !named) return this.#release({ code: "draining", message: "" }, UNCHARGED);
    if (!this.#lapsed) this.#effects.extend(this);
    this.#become(ENDED);
  }

  // --- Steps ---------------------------------------------------------------------------------------

  #checked(role: RoleSlots, text: string, found: Found): void {
    if (found.kind === "open") return this.#open(role, text, found.record);
    this.#become(ENDED);
    if (found.kind === "answered") this.#effects.finish(this, found);
  }

  /** How much of its time is left, in milliseconds. */
  get #leftMs(): number {
    return msLeft(this.#record, this.#asked?.deadlineMs ?? Infinity);
  }

  get #overdue(): string {
    return `the work has taken longer than ${inWords(this.#asked?.deadlineMs ?? 0)}`;
  }

  /** What its message asks for. */
  #read(message: Message): void {
    const limits = workLimits(message);
    if (typeof limits === "object") this.#asked = limits;
    this.#conversation = conversationOf(message);
  }

  /** Nobody has it, and it has no outcome. */
  #open(role: RoleSlots, text: string, record: AttemptRecord): void {
    this.#record = record;
    // The queue may have begun to count anew.
    const { attempt } = record;
    if (this.#lease.attempt <= attempt) this.#lease = { ...this.#lease, attempt: attempt + 1 };
    this.#number = this.#lease.attempt;
    if (this.#leftMs <= 0) return this.#fail(this.#overdue);
    const early = Math.min(notBefore(record) - Date.now(), this.#leftMs);
    if (early > EARLY_MS) {
      this.#become(ENDED);
      return this.#effects.putOff(this, early);
    }
    if (this.#conversation === undefined) this.#offer(role, text);
    else this.#stand(role, text);
  }

  /** Earlier work of its conversation comes first. */
  #stand(role: RoleSlots, text: string): void {
    const leave = this.#effects.stand(role, this, {
      onTurn: (turn) => {
        if (this.#state !== inLine) return;
        if (turn.kind === "now") this.#offer(role, text);
        else if (turn.kind === "gone") this.#become(ENDED);
        else this.#return(turn.delayMs);
      },
    });
    const inLine = { kind: "in_line", role, text, leave } as const;
    this.#become(inLine);
  }

  /** It came before its turn. */
  #return(delayMs: number): void {
    this.#become(ENDED);
    if (!this.#lapsed) this.#effects.release(this, Math.min(delayMs, this.#leftMs), false);
  }

  #offer(role: RoleSlots, text: string): void {
    if (this.isSpent && !this.#mayBeDone) {
      return this.#giveUp(() => this.#leaveToOthers());
    }
    const agent = this.#effects.findSlot(role, this);
    if (agent === "wait") this.#become({ kind: "queued", role, text });
    // The slot is gone by now; another relay may have one.
    else if (agent === undefined) this.#release({ code: "no_agent", message: "" }, UNCHARGED);
    else this.#give(agent, text);
  }

  #give(agent: Holder, text: string): void {
    this.#run(agent, true);
    this.#send(agent, text);
    this.#effects.recordOffered(this);
  }

  #run(agent: Holder, named: boolean): Running {
    const running = new Running(agent, named);
    this.#become(running);
    this.#begin();
    const limits = this.#effects.limitsOf(this, agent, this.#asked);
    if (limits !== undefined) (this.#time ??= new AttemptTime()).begins(limits);
    return running;
  }

  /** The first attempt at work with a deadline has begun, unless one had before. */
  #begin(): void {
    if (this.#asked?.deadlineMs === undefined || this.#record.begun !== undefined) return;
    const begun = new Date(this.deliveredAt).toISOString();
    this.#record = { ...this.#record, begun };
    this.#effects.storeRecord(this);
  }

  #send(agent: Holder, text: string): void {
    this.#sentAt = performance.now();
    agent.sendWork(this, text);
  }

  /** Whether a plain agent's socket may have ended before the message arrived. */
  #mayBeLost({ named }: Running): boolean {
    return !this.#v1 && (!named || performance.now() - this.#sentAt < ARRIVED_MS);
  }

  #resume(agent: Holder, lease: Lease): Resuming {
    const resuming: Resuming = { kind: "resuming", agent, said: [] };
    this.#become(resuming, lease.subject);
    this.#number = lease.attempt;
    if (lease.attempt > this.#lease.attempt) this.#lease = lease;
    this.#effects.slotsChanged(agent);
    return resuming;
  }

  /** Its agent is lost. It is not charged if that was in the moment of delivery. */
  #lose(why: Reason): void {
    this.#retry(why, { delayMs: 0, charged: this.#heard || !this.#unsent });
  }

  /** Releases it for another attempt, or lets it die if enough were charged. */
  #retry(why: Reason, released: Released): void {
    this.#record = withAttempt(this.#record, this, why, released);
    const release = () => this.#release(why, released, true);
    if (released.charged && this.isSpent && !this.#mayBeDone) this.#giveUp(release);
    else release();
  }

  /**
   * Enough attempts were charged: of several agents, or of one, and no other is here.
   *
   * @param onSpared Called if another relay has one.
   */
  #giveUp(onSpared: () => void): void {
    this.#bury(spentReason(this.#record), onSpared);
  }

  /** Another relay has an agent for it, and is to get it in a while. */
  #leaveToOthers(): void {
    this.#become(ENDED);
    if (!this.#lapsed) this.#effects.putOff(this, LEFT_MS);
  }

  /** Its time is over. */
  #fail(message: string): void {
    this.#become(new Settling());
    this.#effects.store(this, overdue(this, message), () => this.#become(ENDED));
  }

  /** The same at an agent that cannot be told, and keeps its slot. */
  #failPlain(running: Running, message: string): void {
    this.#time = undefined;
    this.#failing = true;
    this.#effects.store(this, overdue(this, message), () => {
      if (this.#state === running) this.#become({ kind: "superseded", agent: running.agent });
    });
  }

  /** @param recorded Whether its record has changed. */
  #release(why: Reason, released: Released, recorded = false): void {
    if (this.#failing) return this.#become(ENDED);
    this.#effects.recordReleased(this, why, released);
    this.#become(ENDED);
    // JetStream does not fence: releasing a lapsed lease takes the work from the agent that has it now.
    const delayMs = Math.max(0, Math.min(released.delayMs, this.#leftMs));
    if (!this.#lapsed) this.#effects.release(this, delayMs, recorded);
  }

  /** @param onSpared Called if it does not die. */
  #bury(reason: Reason, onSpared: () => void = () => this.#become(ENDED)): void {
    this.#become(new Settling());
    this.#effects.deadLetter(this, reason, (done) => {
      if (done) this.#become(ENDED);
      else onSpared();
    });
  }

  /** Leaves its state for another one. @param offered The lease that its agent has from then on. */
  #become(next: AttemptState, offered = this.#offered): void {
    const before = this.#state;
    const from = holderIn(before);
    const to = holderIn(next);
    this.#leave(before);
    if (from !== to) {
      from?.letGo(this);
      if (from !== undefined) this.#effects.slotsChanged(from);
    }
    this.#offered = offered;
    this.#state = next;
    if (to !== undefined) {
      this.#agentId = to.agentId;
      this.#v1 = to.v1;
      if (from !== to) to.take(this);
    }
    this.#enter(next);
  }

  #leave(state: AttemptState): void {
    switch (state.kind) {
      case "checking":
        state.role.reserved--;
        return this.#effects.roleChanged(state.role);
      case "resuming":
        for (const { characters } of state.said) this.#effects.keepSaid(-characters);
        return;
      case "in_line":
        state.role.inLine.delete(this);
        return state.leave();
      case "queued":
        state.role.queued.delete(this);
        return this.#effects.roleChanged(state.role);
      case "away":
        return state.endGrace();
      case "settling":
        if (state.agent !== undefined) state.agent.unsettled--;
        return;
      default:
        return;
    }
  }

  #enter(state: AttemptState): void {
    switch (state.kind) {
      case "checking":
        state.role.reserved++;
        return;
      case "in_line":
        state.role.inLine.add(this);
        return;
      case "queued":
        state.role.queued.add(this);
        return;
      case "settling":
        if (state.agent !== undefined) state.agent.unsettled++;
        return;
      case "ended":
        return this.#effects.ended(this);
      default:
        return;
    }
  }
}

/** The outcome of work whose time is over. */
function overdue({ id, session, role }: Attempt, message: string): Answer {
  const payload = { code: "deadline_exceeded", message, session_id: session, role };
  return { text: formatMessage(id, AGENT_TYPE.error, payload), type: AGENT_TYPE.error };
}

function tellCancelled(agent: Holder, lease: string, reason: CancelReason): undefined {
  agent.tellCancelled(lease, reason);
}

/** Why an agent is not to go on. */
function lossOf(found: Exclude<Found, { readonly kind: "open" }>): CancelReason {
  if (found.kind === "elsewhere") return "lease_lost";
  return found.accepted?.outcome === "cancelled" ? "cancelled" : "answered";
}

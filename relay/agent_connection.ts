/**
 * One connected agent: the attempts that it has, and what waits to be sent to it.
 *
 * @module
 */
import { nuid } from "@nats-io/nats-core";
import { TurnoverMap } from "@ourocodus/bus";
import {
  type CancelPayload,
  type CancelReason,
  CLOSE,
  type CloseCode,
  closeReason,
  formatMessage,
  joinFrames,
  mayReconnect,
  type Message,
  RELAY_TYPE,
  type RelayErrorCode,
  type RelayErrorPayload,
  type ResumePayload,
  RoleId,
  spliceLease,
  type StoredPayload,
} from "@ourocodus/protocol";
import { AgentHealth } from "./agent_health.ts";
import type { AgentLimits, AgentRequest } from "./agent_request.ts";
import type { Attempt } from "./attempt.ts";
import type { Holder } from "./attempt_effects.ts";

/** The relay's side of a WebSocket, as far as the core needs it. */
export interface AgentSocket {
  /** Sends one text frame. */
  send(frame: string): void;
  /** Closes; `reason` is at most 123 bytes of UTF-8. */
  close(code: number, reason: string): void;
  /** Bytes that were sent but that the agent has not read. */
  readonly unreadBytes: number;
}

/** How a socket has ended. */
export interface SocketEnd {
  readonly code: number;
  readonly reason: string;
}

const NO_LIMITS: AgentLimits = {};
/** How a broken socket ends (RFC 6455, section 7.1.5). */
const BROKEN: SocketEnd = { code: 1006, reason: "the connection was lost" };
/** How many ids of answered work are remembered for a plain agent. */
const REMEMBERED = 64;
/** Further codes after which an agent does not come back, next to those that forbid it. */
const ENDED: readonly number[] = [
  ...[1000, 1001],
  ...[CLOSE.invalidFrame.code, CLOSE.frameTooLarge.code],
];
/** An agent that reads nothing for this many heartbeats is gone. */
const STALLED_HEARTBEATS = 3;

/** An agent's connection. */
export class AgentConnection implements Holder {
  readonly agentId: string;
  readonly session: string;
  readonly role: string;
  /** Its session and role. */
  readonly roleId: RoleId;
  readonly protocol: AgentRequest["protocol"];
  readonly concurrency: number;
  /** In milliseconds since 1970. */
  readonly connectedAt: number;
  /** Whether it has a name of its own, by which it is known when it comes back. */
  readonly named: boolean;
  readonly #socket: AgentSocket;
  readonly #confirm: boolean;
  readonly #onPending: (agent: AgentConnection) => void;
  /** Each takes a slot. By what the agent calls it: the id in the plain protocol, the lease in v1. */
  readonly #attempts = new TurnoverMap<string, Attempt>();
  /** Ids of work that a plain agent has answered lately. */
  readonly #answered: string[] = [];
  readonly #lines: string[] = [];
  readonly #resumed: string[] = [];
  readonly #stored: string[] = [];
  #closed = false;
  #closedWith: CloseCode | undefined;
  #end: SocketEnd | undefined;
  #draining = false;
  #endsWith: CloseCode | undefined;
  #quiet = false;
  /** Characters that were sent, ever. */
  #sent = 0;
  /** How many of them had been read at the last heartbeat, at most. */
  #read: number | undefined;
  /** For how many heartbeats in a row none of them was read. */
  #stalled = 0;
  hasResumed = false;
  /** How long its attempts may take unless the work says so, as it has declared. */
  readonly limits: AgentLimits;
  /** Whose limits it shares, as it says. */
  limitKey: string | undefined;
  /** Whether it takes work. */
  health: AgentHealth = new AgentHealth();
  /** Results of this agent that are not stored yet. */
  unsettled = 0;

  /** @param onPending Told that something waits for {@linkcode AgentConnection.flush}. */
  constructor(
    request: AgentRequest,
    socket: AgentSocket,
    onPending: (agent: AgentConnection) => void,
  ) {
    this.named = request.agentId !== undefined;
    this.agentId = request.agentId ?? `agent-${nuid.next()}`;
    this.session = request.session;
    this.role = request.role;
    this.roleId = new RoleId(request.session, request.role);
    this.protocol = request.protocol;
    this.concurrency = request.concurrency;
    this.connectedAt = Date.now();
    this.limits = request.limits ?? NO_LIMITS;
    this.limitKey = request.limitKey;
    this.#confirm = request.confirm && request.protocol !== "plain";
    this.#socket = socket;
    this.#onPending = onPending;
  }

  /** Whether it speaks `ourocodus.v1`. */
  get v1(): boolean {
    return this.protocol !== "plain";
  }

  /** Whether the relay has closed it, or it is gone. */
  get closed(): boolean {
    return this.#closed;
  }

  /** How its socket has ended, or is about to; it breaks if nobody ends it. */
  get end(): SocketEnd {
    const closed = this.#closedWith;
    return this.#end ?? (closed ? { code: closed.code, reason: closed.meaning } : BROKEN);
  }

  get hasUnsent(): boolean {
    return this.#lines.length > 0 || this.#socket.unreadBytes > 0;
  }

  /** How many more work items it takes. */
  get free(): number {
    if (!this.takesWork) return 0;
    const slots = this.health.isProbing ? 1 : this.concurrency;
    return Math.max(0, slots - this.#attempts.size);
  }

  /** Whether it takes work, now or before long: its provider's limit may be reached. */
  get mayTakeWork(): boolean {
    return !this.#closed && !this.#draining && this.health.suspended === undefined;
  }

  /** Whether it takes work, now or when it has a free slot again. */
  get takesWork(): boolean {
    return !this.#closed && !this.#draining && this.health.pause === undefined;
  }

  /**
   * The agent is going away: it takes no more work.
   *
   * @param end How the relay closes it once it has no attempt; without one, the agent closes itself.
   */
  drain(end?: CloseCode): void {
    this.#draining = true;
    this.#endsWith = end ?? this.#endsWith;
  }

  /** Whether it takes no more work. */
  get draining(): boolean {
    return this.#draining;
  }

  /** How the relay closes it once it has no attempt and all of its outcomes are stored. */
  get endsWith(): CloseCode | undefined {
    return this.#endsWith;
  }

  /** How many slots are taken. */
  get taken(): number {
    return this.#attempts.size;
  }

  /** The attempts that take its slots. */
  attempts(): Attempt[] {
    return [...this.#attempts.values()];
  }

  /** Whether it can be given work with this id now: a plain agent tells its work apart by ids. */
  canTake(id: string): boolean {
    return this.free > 0 && (this.v1 || this.#attempts.get(id) === undefined);
  }

  take(attempt: Attempt): void {
    this.#attempts.set(this.#reference(attempt), attempt);
  }

  letGo(attempt: Attempt): void {
    this.#attempts.delete(this.#reference(attempt));
    if (this.v1) return;
    this.#answered.push(attempt.id);
    if (this.#answered.length > REMEMBERED) this.#answered.shift();
  }

  /** The attempt that a message is about. */
  find(message: Message): Attempt | undefined {
    if (!this.v1) return this.#attempts.get(message.id);
    if (typeof message.lease === "string") return this.#attempts.get(message.lease);
    if (message.lease !== undefined) return undefined;
    const matching = this.attempts().filter(({ id }) => id === message.id);
    return matching.length === 1 ? matching[0] : undefined;
  }

  /** Whether a plain agent has answered work with this id lately. */
  hasAnswered(id: string): boolean {
    return this.#answered.includes(id);
  }

  sendWork({ number, offered }: Attempt, text: string): void {
    if (!this.#closed) this.#lines.push(this.v1 ? spliceLease(text, number, offered) : text);
    this.#onPending(this);
  }

  /** Sends a message of the relay's own with the next {@linkcode flush}; nothing to a plain agent. */
  tell(type: string, payload: object): void {
    this.#addLine(type, payload);
    this.#onPending(this);
  }

  /** Says what was wrong with what it has sent. */
  refuse(code: RelayErrorCode, message: string, lease?: string): void {
    this.tell(RELAY_TYPE.error, { code, message, lease } satisfies RelayErrorPayload);
  }

  tellCancelled(lease: string, reason: CancelReason): void {
    // It may have become the agent's again in this same turn: the last word counts.
    const resumed = this.#resumed.indexOf(lease);
    if (resumed >= 0) this.#resumed.splice(resumed, 1);
    this.tell(RELAY_TYPE.cancel, { lease, reason } satisfies CancelPayload);
  }

  takeAway(lease: string, reason: CancelReason): void {
    if (this.v1) this.tellCancelled(lease, reason);
    else this.close(CLOSE.noProgress);
  }

  tellResumed(lease: string): void {
    this.#resumed.push(lease);
    this.#onPending(this);
  }

  /** Says that a lease's result is stored, if the agent asked for that. */
  tellStored(lease: string): void {
    if (this.#confirm) this.#stored.push(lease);
    this.#onPending(this);
  }

  /**
   * Sends what has been given and told.
   *
   * @param maxUnreadBytes Closes the agent if more than this waits to be read.
   */
  flush(maxUnreadBytes: number): void {
    this.#addLeases(RELAY_TYPE.resumed, this.#resumed);
    this.#addLeases(RELAY_TYPE.stored, this.#stored);
    if (this.#lines.length === 0 || this.#closed) return;
    const frames = this.v1 ? joinFrames(this.#lines) : this.#lines.slice();
    // The same array for as long as it lives: see ARCHITECTURE.md, "What the collector was made
    // to copy".
    this.#lines.length = 0;
    this.#quiet = false;
    for (const frame of frames) {
      this.#socket.send(frame);
      this.#sent += frame.length;
    }
    const unread = this.#socket.unreadBytes;
    if (unread > maxUnreadBytes) {
      this.close(CLOSE.slowReader, `${unread} bytes wait to be read, limit is ${maxUnreadBytes}`);
    }
  }

  /**
   * Sends an empty frame to a v1 agent, unless something was sent since the last call, and closes
   * an agent that has read nothing for a few calls: behind what it has not read, a ping waits too.
   */
  heartbeat(): void {
    const unread = this.#socket.unreadBytes;
    const read = this.#sent - unread;
    const progress = unread === 0 || read > (this.#read ?? Infinity);
    this.#stalled = progress ? 0 : this.#stalled + 1;
    this.#read = read;
    if (this.#stalled >= STALLED_HEARTBEATS) {
      return this.close(CLOSE.slowReader, `${unread} bytes wait, and nothing is read`);
    }
    if (this.#quiet && this.v1 && !this.#closed) this.#socket.send("");
    this.#quiet = true;
  }

  replaced(): void {
    this.close(CLOSE.replaced);
  }

  /** Closes it. The socket's end is reported like any other. */
  close(code: CloseCode, reason: string = code.meaning): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closedWith = code;
    this.#socket.close(code.code, closeReason(reason));
  }

  /** Notes that the socket is gone, and how; if the relay has closed it, that is how. */
  gone({ code, reason }: SocketEnd): void {
    this.#closed = true;
    const closed = this.#closedWith;
    this.#end = { code: closed?.code ?? code, reason: reason || (closed?.meaning ?? "") };
  }

  /**
   * Whether it may come back to what it has: it has a name, and has neither said goodbye itself (1000,
   * 1001) nor broken the protocol nor been sent away for good.
   */
  get mayComeBack(): boolean {
    const { code } = this.end;
    return this.named && mayReconnect(code) && !ENDED.includes(code);
  }

  /** Whether it has nothing, and nothing of it is on its way to the log. */
  get idle(): boolean {
    return this.taken === 0 && this.unsettled === 0;
  }

  #addLine(type: string, payload: object): void {
    if (this.v1 && !this.#closed) this.#lines.push(formatMessage(nuid.next(), type, payload));
  }

  #addLeases(type: string, leases: string[]): void {
    if (leases.length === 0) return;
    this.#addLine(type, { leases } satisfies ResumePayload & StoredPayload);
    leases.length = 0;
  }

  #reference({ offered, id }: Attempt): string {
    return this.v1 ? offered : id;
  }
}

/** What tells the agents of a relay apart. */
export type AgentName = Pick<AgentConnection, "session" | "role" | "agentId">;

/** An agent's name as one text, which stays the same when the agent comes back. */
export function agentKey({ session, role, agentId }: AgentName): string {
  return `${session}=${role}=${agentId}`;
}

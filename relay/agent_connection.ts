/**
 * One connected agent: what it has in hand, and what waits to be sent to it.
 *
 * @module
 */
import { nuid } from "@nats-io/nats-core";
import { TurnoverMap } from "@ourocodus/bus";
import {
  CLOSE,
  type CloseCode,
  closeReason,
  formatMessage,
  joinFrames,
  type Message,
  RELAY_TYPE,
  RoleId,
  spliceLease,
  type StoredPayload,
} from "@ourocodus/protocol";
import type { AgentRequest } from "./agent_request.ts";
import { monotonicMs, type Work } from "./work.ts";

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

/** As a socket ends that breaks (RFC 6455, section 7.1.5). */
const BROKEN: SocketEnd = { code: 1006, reason: "the connection was lost" };
/** How many of its answered work items a plain agent is remembered by. */
const REMEMBERED = 64;
/** An agent that reads nothing for so many heartbeats is gone. */
const STALLED_HEARTBEATS = 3;

/** An agent's connection. */
export class AgentConnection {
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
  /** By what the agent calls it: the id in the plain protocol, the lease in v1. */
  readonly #hands = new TurnoverMap<string, Work>();
  /** Ids of work that a plain agent has answered lately. */
  readonly #answered: string[] = [];
  /** Work in hand that an earlier connection of this agent was given, and that it has not named yet. */
  #inherited: Set<Work> | undefined;
  readonly #lines: string[] = [];
  readonly #stored: string[] = [];
  #closed = false;
  #closedWith: CloseCode | undefined;
  #end: SocketEnd | undefined;
  #draining = false;
  #endsWith: CloseCode | undefined;
  #quiet = false;
  /** Characters that were sent, ever. */
  #sent = 0;
  /** As many of them had been read at the last heartbeat, at the most. */
  #read: number | undefined;
  /** Heartbeats for which nothing of them was read. */
  #stalled = 0;
  /** Results of this agent that are not stored yet. */
  unsettled = 0;
  /** Work items that it resumes, and that are being looked up. */
  resuming = 0;

  constructor(request: AgentRequest, socket: AgentSocket, now: number) {
    this.named = request.agentId !== undefined;
    this.agentId = request.agentId ?? `agent-${nuid.next()}`;
    this.session = request.session;
    this.role = request.role;
    this.roleId = new RoleId(request.session, request.role);
    this.protocol = request.protocol;
    this.concurrency = request.concurrency;
    this.connectedAt = now;
    this.#confirm = request.confirm && request.protocol !== "plain";
    this.#socket = socket;
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

  /** How many more work items it takes. */
  get free(): number {
    if (!this.takesWork) return 0;
    return Math.max(0, this.concurrency - this.#hands.size - this.resuming);
  }

  /** Whether it takes work, now or when it has a free slot again. */
  get takesWork(): boolean {
    return !this.#closed && !this.#draining;
  }

  /**
   * The agent is going away: it takes no more work.
   *
   * @param end With what the relay closes it once it has nothing in hand; it closes itself if none
   * is given.
   */
  drain(end?: CloseCode): void {
    this.#draining = true;
    this.#endsWith = end ?? this.#endsWith;
  }

  /** With what the relay closes it once it has nothing in hand and all of it is stored. */
  get endsWith(): CloseCode | undefined {
    return this.#endsWith;
  }

  /** Work in hand. */
  get inHand(): number {
    return this.#hands.size;
  }

  /** Work in hand, each. */
  works(): IterableIterator<Work> {
    return this.#hands.values();
  }

  /** Whether it can be given work with this id now: a plain agent tells its work apart by ids. */
  canTake(id: string): boolean {
    return this.free > 0 && (this.v1 || this.#hands.get(id) === undefined);
  }

  /** Gives it work; it is sent with the next {@linkcode flush}. */
  give(work: Work, text: string): void {
    this.adopt(work);
    this.sendWork(work, text);
  }

  /** Sends it work that it has, with the next {@linkcode flush}. */
  sendWork(work: Work, text: string): void {
    if (this.v1) {
      this.#lines.push(spliceLease(text, work.attempt, work.offered));
      return;
    }
    work.sentAt = monotonicMs();
    this.#lines.push(text);
  }

  /** Notes that it has work which an earlier connection was given; nothing is sent. */
  adopt(work: Work): void {
    work.state = "in_hand";
    work.holder = this;
    work.agentId = this.agentId;
    work.v1 = this.v1;
    this.#hands.set(this.#reference(work), work);
  }

  /** The same of work which it should name before it is known to have it still. */
  inherit(work: Work): void {
    this.adopt(work);
    this.#inherited ??= new Set();
    this.#inherited.add(work);
  }

  /** Notes that it has named work. */
  noteNamed(work: Work): void {
    this.#inherited?.delete(work);
  }

  /** Takes the work that it has inherited and not named. */
  takeUnnamed(): Iterable<Work> {
    const unnamed = this.#inherited ?? [];
    this.#inherited = undefined;
    return unnamed;
  }

  /** The work in hand that a message is about. */
  find(message: Message): Work | undefined {
    if (!this.v1) return this.#hands.get(message.id);
    if (typeof message.lease === "string") return this.#hands.get(message.lease);
    if (message.lease !== undefined) return undefined;
    const matching = [...this.#hands.values()].filter((work) => work.id === message.id);
    return matching.length === 1 ? matching[0] : undefined;
  }

  /** Takes work out of its hands. */
  release(work: Work): void {
    this.#hands.delete(this.#reference(work));
    this.#inherited?.delete(work);
    work.holder = undefined;
    if (this.v1) return;
    this.#answered.push(work.id);
    if (this.#answered.length > REMEMBERED) this.#answered.shift();
  }

  /** Whether a plain agent has answered work with this id lately. */
  hasAnswered(id: string): boolean {
    return this.#answered.includes(id);
  }

  /** Sends a message of the relay's own with the next {@linkcode flush}; nothing to a plain agent. */
  tell(type: string, payload: object): void {
    if (this.v1 && !this.#closed) this.#lines.push(formatMessage(nuid.next(), type, payload));
  }

  /** Says with the next {@linkcode flush} that a lease's result is stored, if the agent asked for that. */
  confirm(lease: string): void {
    if (this.#confirm) this.#stored.push(lease);
  }

  /**
   * Sends what has been given and told.
   *
   * @param maxUnreadBytes Closes the agent if more than this waits to be read.
   */
  flush(maxUnreadBytes: number): void {
    if (this.#stored.length > 0) {
      this.tell(RELAY_TYPE.stored, { leases: this.#stored } satisfies StoredPayload);
      this.#stored.length = 0;
    }
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

  /** Whether nothing of it is in hand, being looked up or on its way to the log. */
  get idle(): boolean {
    return this.inHand === 0 && this.unsettled === 0 && this.resuming === 0;
  }

  #reference(work: Work): string {
    return this.v1 ? work.offered : work.id;
  }
}

/** What one agent of a relay is told from another by. */
export type AgentName = Pick<AgentConnection, "session" | "role" | "agentId">;

/** The same as one text: the same again when the agent comes back. */
export function agentKey({ session, role, agentId }: AgentName): string {
  return `${session}=${role}=${agentId}`;
}

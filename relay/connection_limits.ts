/**
 * How many agents may be connected, how much each may say, and for how long.
 *
 * What is counted for each frame is a number and no more: the time is looked at once a second, for
 * all agents together.
 *
 * @module
 */
import { CLOSE, type CloseCode } from "@ourocodus/protocol";
import type { AgentConnection, AgentSocket } from "./agent_connection.ts";
import { type ConnectionLimits, DEFAULT_CONNECTION_LIMITS } from "./settings.ts";

/** A seat, or why there is none. */
export type Seating =
  | { readonly kind: "ok"; readonly seat: Seat }
  | { readonly kind: "full"; readonly reason: string };

const SECOND_MS = 1_000;
/**
 * Frames are ignored for this long before a flooding agent is closed: Deno breaks a connection off,
 * without code and reason, if frames come after its closing.
 */
const DROP_MS = 100;

/** Seats for agents, by relay and by session. */
export class Seats {
  readonly limits: ConnectionLimits;
  readonly #now: () => number;
  readonly #taken = new Set<Seat>();
  readonly #bySession = new Map<string, number>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #unreadBytes = 0;
  /** Counts up once a second. */
  second = 0;
  /** How often one was taken or freed, ever. */
  changes = 0;

  /** @param now The time, in milliseconds since 1970. */
  constructor(limits: ConnectionLimits = DEFAULT_CONNECTION_LIMITS, now: () => number = Date.now) {
    this.limits = limits;
    this.#now = now;
  }

  /** How many are taken. */
  get taken(): number {
    return this.#taken.size;
  }

  /**
   * Takes a seat, which the caller has to free.
   *
   * @param expiresAt When its agent has to go, in milliseconds since 1970.
   */
  take(session: string, expiresAt: number | undefined): Seating {
    const reason = this.full(session);
    if (reason !== undefined) return { kind: "full", reason };
    this.#bySession.set(session, (this.#bySession.get(session) ?? 0) + 1);
    const seat = new Seat(this, session, expiresAt);
    this.#taken.add(seat);
    this.changes++;
    this.#timer ??= setInterval(() => this.tick(), SECOND_MS);
    return { kind: "ok", seat };
  }

  /** Why there is no seat for a session's agent; `undefined` if there is one. */
  full(session: string): string | undefined {
    const { maxAgents, maxSessionAgents, maxUnreadBytesInAll } = this.limits;
    if (this.#unreadBytes > maxUnreadBytesInAll) {
      return `${this.#unreadBytes} bytes wait for all agents, limit is ` +
        `${maxUnreadBytesInAll} (MAX_UNREAD_BYTES_IN_ALL)`;
    }
    if (this.#taken.size >= maxAgents) {
      return `${maxAgents} agents are connected, that is MAX_AGENTS`;
    }
    const own = this.#bySession.get(session) ?? 0;
    if (own < maxSessionAgents) return undefined;
    return `${own} agents of session ${session} are connected, that is MAX_SESSION_AGENTS`;
  }

  /** What is done once a second; for tests also called by hand. */
  tick(): void {
    this.second++;
    const now = this.#now();
    for (const seat of this.#taken) {
      if (seat.expiresAt !== undefined && seat.expiresAt <= now) seat.end(CLOSE.tokenExpired);
    }
    if (this.#unreadBytes > this.limits.maxUnreadBytesInAll) this.#relieve();
  }

  /** For seats. */
  freed(seat: Seat): void {
    if (!this.#taken.delete(seat)) return;
    this.changes++;
    this.unread(-seat.unreadBytes);
    const left = (this.#bySession.get(seat.session) ?? 1) - 1;
    if (left > 0) this.#bySession.set(seat.session, left);
    else this.#bySession.delete(seat.session);
    if (this.#taken.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** For seats. @param more Bytes more than before. */
  unread(more: number): void {
    this.#unreadBytes += more;
    if (this.#unreadBytes > this.limits.maxUnreadBytesInAll) this.#relieve();
  }

  /**
   * Ends the agent that has most to read: each is only looked at when it is sent something. What waits for
   * those that are closed counts, as long as they are not gone, but cannot be helped any more.
   */
  #relieve(): void {
    let most: Seat | undefined;
    this.#unreadBytes = 0;
    for (const seat of this.#taken) {
      this.#unreadBytes += seat.measure();
      if (!seat.closed && seat.unreadBytes > (most?.unreadBytes ?? 0)) most = seat;
    }
    const { maxUnreadBytesInAll } = this.limits;
    if (most === undefined || this.#unreadBytes <= maxUnreadBytesInAll) return;
    const reason = `${this.#unreadBytes} bytes wait for all agents, limit is ` +
      `${maxUnreadBytesInAll}, and most for this one`;
    most.end(CLOSE.slowReader, reason);
  }
}

/** One connected agent, as far as limits go. */
export class Seat {
  readonly session: string;
  readonly expiresAt: number | undefined;
  readonly #seats: Seats;
  #agent: AgentConnection | undefined;
  #socket: Pick<AgentSocket, "unreadBytes"> | undefined;
  #second = 0;
  #frames = 0;
  #closing: ReturnType<typeof setTimeout> | undefined;
  #unreadBytes = 0;

  /** Use {@linkcode Seats.take}. */
  constructor(seats: Seats, session: string, expiresAt: number | undefined) {
    this.#seats = seats;
    this.session = session;
    this.expiresAt = expiresAt;
  }

  /** Bytes that waited to be read when last looked at. */
  get unreadBytes(): number {
    return this.#unreadBytes;
  }

  /** Its agent is there. @param socket Tells how many bytes wait to be read. */
  occupy(agent: AgentConnection, socket: Pick<AgentSocket, "unreadBytes">): void {
    this.#agent = agent;
    this.#socket = socket;
  }

  /** Counts a frame from its agent. @returns Whether it is taken; if not, the agent is closed soon. */
  takesFrame(): boolean {
    const { second, limits } = this.#seats;
    if (this.#second !== second) {
      this.#second = second;
      this.#frames = 0;
    }
    if (++this.#frames <= limits.maxFramesPerSecond) return this.#closing === undefined;
    const reason = `more than ${limits.maxFramesPerSecond} frames in a second ` +
      "(MAX_FRAMES_PER_SECOND)";
    this.#closing ??= setTimeout(() => this.end(CLOSE.tooManyFrames, reason), DROP_MS);
    return false;
  }

  /** Something was sent to its agent. */
  sent(): void {
    const before = this.#unreadBytes;
    const now = this.measure();
    if (now !== before) this.#seats.unread(now - before);
  }

  /** Looks how many bytes wait. */
  measure(): number {
    return this.#unreadBytes = this.#socket?.unreadBytes ?? 0;
  }

  /** Whether its agent is closed, though not gone. */
  get closed(): boolean {
    return this.#agent?.closed ?? false;
  }

  /** Closes its agent. */
  end(code: CloseCode, reason?: string): void {
    this.#agent?.close(code, reason);
  }

  /** Its agent is gone. */
  free(): void {
    clearTimeout(this.#closing);
    this.#seats.freed(this);
  }
}

/**
 * An agent's WebSocket, between Deno and the relay.
 *
 * One object listens to all of a socket's events: closures for each of ten thousand agents would be
 * megabytes more for the garbage collector to look at.
 *
 * @module
 */
import type { AgentConnection, AgentSocket } from "./agent_connection.ts";
import type { AgentRequest } from "./agent_request.ts";
import type { Seat } from "./connection_limits.ts";
import type { Relay } from "./relay.ts";

/** How long a socket that was closed may take to end before it counts as gone, in milliseconds. */
const CLOSE_MS = 2_000;
/** Codes of the protocol itself (RFC 6455, section 7.4.1): "going away", and that there was none. */
const GOODBYE = 1001;
const BROKEN = 1006;

/** Who the agent is, and to whom it goes. */
export interface AgentWebSocketParts {
  readonly relay: Relay;
  readonly asked: AgentRequest;
  /**
   * Freed once the socket is really gone: one whose agent reads nothing stays, with what waits
   * for it, until the agent's side ends it, since Deno cannot cut it off.
   */
  readonly seat: Seat;
}

/** Adapts Deno's WebSocket to the relay's core. */
export class AgentWebSocket implements AgentSocket, EventListenerObject {
  readonly #socket: WebSocket;
  readonly #parts: AgentWebSocketParts;
  #agent: AgentConnection | undefined;
  #closing: ReturnType<typeof setTimeout> | undefined;

  /** @param socket One that is not open yet. */
  constructor(socket: WebSocket, parts: AgentWebSocketParts) {
    this.#socket = socket;
    this.#parts = parts;
    socket.binaryType = "arraybuffer";
    for (const type of ["open", "message", "close", "error"]) socket.addEventListener(type, this);
  }

  /** Deno has something to tell of the socket. */
  handleEvent(event: Event): void {
    if (event instanceof MessageEvent) this.#received(event.data);
    else if (event instanceof CloseEvent) this.#closed(event);
    else if (event.type === "open") this.#opened();
    else if (event.type === "error") this.#failed(event);
  }

  send(frame: string): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    this.#socket.send(frame);
    this.#parts.seat.sent();
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason);
    // Behind what an agent does not read, the closing handshake never begins.
    this.#closing = setTimeout(() => this.#ended(code, reason), CLOSE_MS);
  }

  get unreadBytes(): number {
    return this.#socket.bufferedAmount;
  }

  #opened(): void {
    const { relay, asked, seat } = this.#parts;
    this.#agent = relay.connected(asked, this);
    seat.occupy(this.#agent, this);
  }

  #received(data: unknown): void {
    const { relay, seat } = this.#parts;
    if (this.#agent !== undefined && seat.takesFrame()) relay.received(this.#agent, data);
  }

  #closed({ code, reason, wasClean }: CloseEvent): void {
    clearTimeout(this.#closing);
    this.#parts.seat.free();
    // Deno gives up a socket that answers no pings with the code of an agent that says goodbye.
    this.#ended(code === GOODBYE && !wasClean ? BROKEN : code, reason);
  }

  /** An error is followed by a close event, which says as much, unless the socket never was open. */
  #failed(event: Event): void {
    event.preventDefault();
    if (this.#socket.readyState !== WebSocket.OPEN) this.#parts.seat.free();
  }

  #ended(code: number, reason: string): void {
    if (this.#agent !== undefined) this.#parts.relay.disconnected(this.#agent, { code, reason });
  }
}

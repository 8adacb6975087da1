/**
 * One connection to a relay: frames in, lines out.
 *
 * Invariants:
 * 1. All lines that are sent in one turn of the event loop leave in one frame (in several only
 *    where they are too long), in order.
 * 2. Nothing is sent before the socket is open or after `close`.
 * 3. `onClosed` is the last that the listener hears, and comes once.
 *
 * @module
 */
import { joinFrames, splitFrame, SUBPROTOCOL_V1 } from "@ourocodus/protocol";
import type { Clock } from "./clock.ts";
import { parseRelayMessage, type RelayMessage } from "./relay_message.ts";
import type { Socket, SocketClose, SocketFactory } from "./socket.ts";

/** Whom a connection tells. */
export interface RelayConnectionListener {
  /** The server took the connection but does not speak our protocol. */
  onForeign(protocol: string): void;
  onMessage(message: RelayMessage, line: string): void;
  onClosed(close: SocketClose): void;
}

/** What a connection needs. */
export interface RelayConnectionOptions {
  readonly url: string;
  readonly openSocket: SocketFactory;
  readonly clock: Clock;
}

/** One WebSocket connection to a relay. */
export class RelayConnection {
  readonly #clock: Clock;
  readonly #listener: RelayConnectionListener;
  readonly #socket: Socket;
  #outgoing: string[] = [];
  #state: "opening" | "open" | "closing" | "closed" = "opening";
  #framesHeard = 0;

  constructor(options: RelayConnectionOptions, listener: RelayConnectionListener) {
    this.#clock = options.clock;
    this.#listener = listener;
    this.#socket = options.openSocket(options.url, SUBPROTOCOL_V1, {
      onOpen: (protocol) => this.#opened(protocol),
      onFrame: (data) => this.#heard(data),
      onClose: (close) => this.#closed(close),
    });
  }

  /** Frames that came, empty ones included. */
  get framesHeard(): number {
    return this.#framesHeard;
  }

  /** What waits to be sent, in bytes. */
  get bufferedBytes(): number {
    return this.#socket.bufferedBytes;
  }

  /** Sends a line at the end of this turn of the event loop. */
  send(line: string): void {
    if (this.#state !== "open") return;
    if (this.#outgoing.push(line) === 1) this.#clock.endOfTurn(() => this.#flush());
  }

  /** Sends what is pending and starts to close. */
  close(code: number, reason: string): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#flush();
    this.#state = "closing";
    this.#socket.close(code, reason);
  }

  #opened(protocol: string): void {
    if (this.#state !== "opening") return;
    this.#state = "open";
    if (protocol !== SUBPROTOCOL_V1) this.#listener.onForeign(protocol);
  }

  #heard(data: unknown): void {
    if (this.#state === "closed") return;
    this.#framesHeard++;
    if (typeof data !== "string") {
      const reason = "frame is binary, only text is understood";
      this.#listener.onMessage({ kind: "invalid", reason }, "");
      return;
    }
    for (const line of splitFrame(data)) this.#listener.onMessage(parseRelayMessage(line), line);
  }

  #flush(): void {
    if (this.#state !== "open" || this.#outgoing.length === 0) return;
    const lines = this.#outgoing;
    this.#outgoing = [];
    for (const frame of joinFrames(lines)) this.#socket.send(frame);
  }

  #closed(close: SocketClose): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#outgoing = [];
    this.#listener.onClosed(close);
  }
}

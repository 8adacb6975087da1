/**
 * A WebSocket as the agent's core sees it. The real one is in web_socket.ts; tests have their own.
 *
 * @module
 */

/** One WebSocket, opening or open. */
export interface Socket {
  /** Sends one text frame; only after `onOpen`. */
  send(frame: string): void;
  /** Starts to close it; `onClose` follows, unless the other side never answers. */
  close(code: number, reason: string): void;
  /** What waits to be sent, in bytes. */
  readonly bufferedBytes: number;
}

/** What a socket tells. After `onClose` it tells nothing more. */
export interface SocketEvents {
  /** @param protocol The subprotocol that the server chose, or `""`. */
  onOpen(protocol: string): void;
  /** @param data A text frame, or anything else for a frame that is not text. */
  onFrame(data: unknown): void;
  onClose(close: SocketClose): void;
}

/** How a socket ended. */
export interface SocketClose {
  /** The close code; 1006 if there was none: the connection broke or never came to be. */
  readonly code: number;
  /** The close reason, or what went wrong. */
  readonly reason: string;
  /** The HTTP status, if the server refused to upgrade. */
  readonly status?: number;
}

/**
 * Opens a socket. What goes wrong is told through `onClose`; thrown is only what no second try can
 * mend: the program may not use the network, say.
 */
export type SocketFactory = (url: string, protocol: string, events: SocketEvents) => Socket;

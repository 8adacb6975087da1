import { messageOf } from "@ourocodus/protocol";
import { upgradeRefusal } from "./refusal.ts";
import type { Socket, SocketClose, SocketEvents, SocketFactory } from "./socket.ts";

/** How sockets are opened. */
export interface WebSocketOptions {
  /** What lets the agent in; a function is asked before each connection. */
  readonly token?: string | (() => string | undefined);
  /** Certificates (PEM) of authorities that are trusted besides the known ones. */
  readonly caCerts?: readonly string[];
}

const NOT_UPGRADED = /status code: (\d{3})/;
/** Nobody was reached, so nobody refused. */
const NOT_REACHED = /(?:tcp connect|dns) error/;
const NO_CODE = 1006;

/** Whether a token can be sent in a header. */
export function isHeaderToken(token: string): boolean {
  return /^[\x21-\x7e]+$/.test(token);
}

/**
 * Adapts the runtime's WebSocket.
 *
 * Of a refused upgrade Deno's WebSocket tells the HTTP status, in its error event's text, but not
 * the body, which says what is wrong: that is asked for with a second, plain request. Over TLS it
 * does not even tell the status: it tries once more with HTTP/2, and tells how that failed. It
 * answers the server's pings by itself and shows neither pings nor pongs, so from them nothing can
 * be learnt about a dead relay. Once `close` was called on a connection whose other side is gone,
 * nothing more comes: the side that closes has to stop waiting by itself.
 */
export function webSocketFactory(options: WebSocketOptions = {}): SocketFactory {
  const { caCerts = [] } = options;
  const client = caCerts.length === 0
    ? undefined
    : Deno.createHttpClient({ caCerts: [...caCerts] });
  return (url, protocol, events) => open(url, protocol, events, { ...options, client });
}

function open(
  relayUrl: string,
  protocol: string,
  events: SocketEvents,
  { token, client }: WebSocketOptions & { readonly client: Deno.HttpClient | undefined },
): Socket {
  const probe = new AbortController();
  let given: string | undefined;
  try {
    given = tokenNow(token);
  } catch (error) {
    return neverOpened(events, `the token cannot be told: ${messageOf(error)}`);
  }
  const url = given === undefined ? relayUrl : withoutToken(relayUrl);
  const headers: Record<string, string> = given === undefined
    ? {}
    : { authorization: `Bearer ${given}` };
  const socket = new WebSocket(url, { protocols: [protocol], headers, client });
  let failure = "";
  let opened = false;
  socket.onopen = () => {
    opened = true;
    events.onOpen(socket.protocol);
  };
  socket.onmessage = ({ data }) => events.onFrame(data);
  socket.onerror = (event) => {
    failure = (event as ErrorEvent).message.replace(/^NetworkError: /, "");
  };
  socket.onclose = async ({ code, reason }) => {
    events.onClose(await explain({ code: code || NO_CODE, reason: reason || failure }));
  };
  return {
    send: (frame) => {
      // Deno throws where the standard drops: when the other side has begun to close.
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close: (code, reason) => {
      probe.abort();
      socket.close(code, reason);
    },
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
  };

  async function explain(close: SocketClose): Promise<SocketClose> {
    const told = NOT_UPGRADED.exec(failure)?.[1];
    if (told === undefined && !mayBeRefused()) return close;
    const status = told === undefined ? undefined : Number(told);
    const refusal = await upgradeRefusal(url, status, { headers, client, signal: probe.signal });
    if (refusal === undefined) return close;
    return { ...close, ...refusal, reason: refusal.reason ?? `HTTP status ${refusal.status}` };
  }

  function mayBeRefused(): boolean {
    return !opened && url.startsWith("wss:") && failure !== "" && !NOT_REACHED.test(failure);
  }
}

/** @throws {Error} If it has none to send now; the next time may be better. */
function tokenNow(token: WebSocketOptions["token"]): string | undefined {
  const given = typeof token === "function" ? token() : token;
  if (given === undefined || isHeaderToken(given)) return given;
  throw new Error("it must be of printable ASCII characters, without spaces");
}

function neverOpened(events: SocketEvents, reason: string): Socket {
  queueMicrotask(() => events.onClose({ code: NO_CODE, reason }));
  return { send: () => {}, close: () => {}, bufferedBytes: 0 };
}

/** A second one in the URL would be an error: relays take only one. */
function withoutToken(relayUrl: string): string {
  const url = new URL(relayUrl);
  url.searchParams.delete("access_token");
  return url.href;
}

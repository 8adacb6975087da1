/**
 * The relay's HTTP side: `GET /agent` upgrades to a WebSocket, `GET /health` says how it is,
 * `GET /metrics` is for Prometheus. A thin
 * adapter: what happens with frames is decided in relay.ts.
 *
 * @module
 */
import type { AgentSocket } from "./agent_connection.ts";
import { type AgentRequest, parseAgentRequest } from "./agent_request.ts";
import { isForeignOrigin } from "@ourocodus/http";
import { MetricsPage } from "./metrics_page.ts";
import type { Relay } from "./relay.ts";

/** A socket whose other end is silent for this long, not even answering pings, is closed. Seconds. */
const IDLE_SECONDS = 30;

/** How long a socket that was closed may take to end, in milliseconds; Deno gives it a second. */
const CLOSE_MS = 2_000;

const PATHS = ["/agent", "/health", "/metrics"];

/** Settings of {@linkcode relayHandler}. */
export interface HandlerOptions {
  /** Origins of pages that may connect besides the relay's own host's; `*` is any. */
  readonly allowedOrigins?: readonly string[];
}

/**
 * Makes the handler for `Deno.serve`.
 *
 * @param relay Where agents are handed to.
 * @returns A function from a request to its response.
 */
export function relayHandler(
  relay: Relay,
  options: HandlerOptions = {},
): (request: Request) => Response {
  const page = new MetricsPage(relay);
  return (request) => {
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/agent":
        return get(request) ?? foreign(request, options) ??
          upgrade(relay, request, url.searchParams);
      case "/health":
        return get(request) ?? health(relay);
      case "/metrics":
        return get(request) ?? metrics(page);
      default:
        return json(404, { error: `no such path: ${url.pathname}`, paths: PATHS });
    }
  };
}

function get(request: Request): Response | undefined {
  if (request.method === "GET" || request.method === "HEAD") return undefined;
  return json(405, { error: `method is ${request.method}, allowed is GET` }, { allow: "GET" });
}

function foreign(request: Request, { allowedOrigins }: HandlerOptions): Response | undefined {
  if (!isForeignOrigin(request, allowedOrigins)) return undefined;
  const error = `origin is ${request.headers.get("origin")}, a page of another host; ` +
    "ALLOWED_ORIGINS may name it";
  return json(403, { error });
}

function health(relay: Relay): Response {
  const health = relay.health();
  return json(health.nats === "connected" ? 200 : 503, health);
}

function metrics(page: MetricsPage): Response {
  const { text, type } = page.page();
  return new Response(text, { headers: { "content-type": type, "cache-control": "no-store" } });
}

function upgrade(relay: Relay, request: Request, query: URLSearchParams): Response {
  const parsed = parseAgentRequest(query, request.headers.get("sec-websocket-protocol"));
  if (parsed.kind === "invalid") {
    const error = parsed.errors.map(({ reason }) => reason).join("; ");
    return json(400, { error, errors: parsed.errors });
  }
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    const headers = { upgrade: "websocket", connection: "Upgrade" };
    return json(426, { error: "this path is for WebSocket connections" }, headers);
  }
  if (relay.draining) {
    return json(503, { error: "this relay is going away" }, { "retry-after": "1" });
  }
  return accept(relay, request, parsed.request);
}

function accept(relay: Relay, request: Request, asked: AgentRequest): Response {
  const { protocol } = asked;
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, {
      idleTimeout: IDLE_SECONDS,
      ...(protocol !== "plain" && { protocol }),
    });
  } catch (error) {
    return json(400, { error: `not a WebSocket handshake: ${(error as Error).message}` });
  }
  const { socket, response } = upgraded;
  socket.binaryType = "arraybuffer";
  socket.addEventListener("open", () => {
    const agent = relay.connected(asked, adapt(socket, (code, reason) => end(code, reason)));
    const end = (code: number, reason: string) => relay.disconnected(agent, code, reason);
    socket.addEventListener("message", (event) => relay.received(agent, event.data));
    socket.addEventListener("close", (event) => end(event.code, event.reason));
  });
  // An error is followed by a close event, which says as much.
  socket.addEventListener("error", (event) => event.preventDefault());
  return response;
}

/** @param onEnd Called where a socket that was closed does not end by itself. */
function adapt(socket: WebSocket, onEnd: (code: number, reason: string) => void): AgentSocket {
  return {
    send(frame) {
      if (socket.readyState === WebSocket.OPEN) socket.send(frame);
    },
    close(code, reason) {
      socket.close(code, reason);
      // Behind what an agent does not read, the closing handshake never begins.
      const timer = setTimeout(() => onEnd(code, reason), CLOSE_MS);
      socket.addEventListener("close", () => clearTimeout(timer));
    },
    get unreadBytes() {
      return socket.bufferedAmount;
    },
  };
}

function json(status: number, body: object, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { "cache-control": "no-store", ...headers } });
}

/**
 * The relay's HTTP side: `GET /agent` upgrades to a WebSocket, `GET /health` says how it is,
 * `GET /metrics` is for Prometheus. A thin adapter: what happens with frames is decided in relay.ts.
 *
 * @module
 */
import {
  forbidden,
  Gate,
  lacking,
  type Need,
  problemResponse,
  type Refusal,
  REFUSALS,
} from "@ourocodus/edge";
import { type AgentRequest, parseAgentRequest } from "./agent_request.ts";
import { AgentWebSocket } from "./agent_web_socket.ts";
import { type Seat, Seats } from "./connection_limits.ts";
import { MetricsPage } from "./metrics_page.ts";
import type { Relay } from "./relay.ts";

/**
 * A socket whose other end is silent for this long, not even answering pings, is closed. Seconds.
 * It differs from agent to agent, so that those that came together are not pinged together: at half
 * the time. Whole seconds, as Deno has them.
 */
const MIN_IDLE_SECONDS = 20;
const MAX_IDLE_SECONDS = 30;

const PATHS = ["/agent", "/health", "/metrics"];

/** Settings of {@linkcode relayHandler}. */
export interface HandlerOptions {
  /** Decides who comes in; everybody on this machine by default. */
  readonly gate?: Gate;
  /** Counts agents, and what they say. */
  readonly seats?: Seats;
}

/**
 * Makes the handler for `Deno.serve`.
 *
 * @param relay Where agents are handed to.
 * @returns A function from a request to its response.
 */
export function relayHandler(
  relay: Relay,
  { gate = new Gate({}), seats = new Seats() }: HandlerOptions = {},
): (request: Request) => Response | Promise<Response> {
  const page = new MetricsPage(relay);
  return (request) => {
    const refused = gate.checkHead(request);
    if (refused !== undefined) return refuse(refused);
    const url = new URL(request.url);
    switch (url.pathname) {
      case "/agent":
        return notGet(request) ?? agent(request, url.searchParams, { relay, gate, seats });
      case "/health":
        return notGet(request) ?? health(relay);
      case "/metrics":
        return notGet(request) ?? metrics(page, gate, request);
      default:
        return problem(404, "There is no such thing", `no such path: ${url.pathname}`, {
          members: { paths: PATHS },
        });
    }
  };
}

function notGet(request: Request): Response | undefined {
  return request.method === "HEAD" ? undefined : notAllowed(request);
}

function notAllowed(request: Request): Response | undefined {
  if (request.method === "GET") return undefined;
  const detail = `method is ${request.method}, allowed is GET`;
  return problem(405, "The method is not allowed here", detail, { headers: { allow: "GET" } });
}

function health(relay: Relay): Response {
  const health = relay.health();
  const status = health.status === "unhealthy" ? 503 : 200;
  return Response.json(health, { status, headers: { "cache-control": "no-store" } });
}

async function metrics(page: MetricsPage, gate: Gate, request: Request): Promise<Response> {
  const need = { scope: "read", session: undefined, role: undefined } as const;
  const admission = await admit(gate, request, need);
  if (admission.kind === "refused") return refuse(admission.refusal);
  const { text, type } = page.page();
  return new Response(text, { headers: { "content-type": type, "cache-control": "no-store" } });
}

interface Parts {
  readonly relay: Relay;
  readonly gate: Gate;
  readonly seats: Seats;
}

async function agent(request: Request, query: URLSearchParams, parts: Parts): Promise<Response> {
  const foreign = parts.gate.checkOrigin(request);
  if (foreign !== undefined) return refuse(foreign);
  const parsed = parseAgentRequest(query, request.headers.get("sec-websocket-protocol"));
  // Who does not come in is not told how to ask.
  const need = parsed.kind === "ok"
    ? { scope: "agent", session: parsed.request.session, role: parsed.request.role } as const
    : undefined;
  const admission = await admit(parts.gate, request, need);
  if (admission.kind === "refused") return refuse(admission.refusal);
  if (parsed.kind === "invalid") {
    const { errors } = parsed;
    const detail = errors.map(({ reason }) => reason).join("; ");
    return problem(400, REFUSALS.invalid_request.title, detail, { members: { errors } });
  }
  return upgrade(request, parsed.request, { ...parts, expiresAt: admission.expiresAt });
}

type Admitted =
  | { readonly kind: "ok"; readonly expiresAt: number | undefined }
  | { readonly kind: "refused"; readonly refusal: Refusal };

async function admit(gate: Gate, request: Request, need: Need | undefined): Promise<Admitted> {
  const admission = await gate.admit(request);
  if (admission.kind === "refused") return admission;
  const missing = need === undefined ? undefined : lacking(admission.access, need);
  if (missing !== undefined) return { kind: "refused", refusal: forbidden(missing) };
  return { kind: "ok", expiresAt: admission.access.expiresAt };
}

function upgrade(
  request: Request,
  asked: AgentRequest,
  { relay, seats, expiresAt }: Parts & { readonly expiresAt: number | undefined },
): Response {
  // First: agents that were refused ask for the reason without a handshake.
  const reason = relay.draining ? "this relay is going away" : seats.full(asked.session);
  if (reason !== undefined) return busy(reason);
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
    const headers = { upgrade: "websocket", connection: "Upgrade" };
    const detail = "this path is for WebSocket connections";
    return problem(426, "A WebSocket handshake is needed", detail, { headers });
  }
  const wrong = notAllowed(request);
  if (wrong !== undefined) return wrong;
  const seating = seats.take(asked.session, expiresAt);
  if (seating.kind === "full") return busy(seating.reason);
  return accept(relay, request, asked, seating.seat);
}

function accept(relay: Relay, request: Request, asked: AgentRequest, seat: Seat): Response {
  const { protocol } = asked;
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, {
      idleTimeout: randomBetween(MIN_IDLE_SECONDS, MAX_IDLE_SECONDS),
      ...(protocol !== "plain" && { protocol }),
    });
  } catch (error) {
    seat.free();
    const detail = `not a WebSocket handshake: ${(error as Error).message}`;
    return problem(400, REFUSALS.invalid_request.title, detail);
  }
  new AgentWebSocket(upgraded.socket, { relay, asked, seat });
  return upgraded.response;
}

/** A random whole number, both bounds included. */
function randomBetween(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1));
}

function refuse({ kind, detail, headers }: Refusal): Response {
  const { status, title } = REFUSALS[kind];
  return problem(status, title, detail, { headers, members: { code: kind } });
}

function busy(detail: string): Response {
  return problem(503, REFUSALS.too_many.title, detail, { headers: { "retry-after": "1" } });
}

/** An answer that is no success; `error` is `detail`, by the name that it had first. */
function problem(
  status: number,
  title: string,
  detail: string,
  { headers, members }: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly members?: object;
  } = {},
): Response {
  return problemResponse({ status, title, detail, error: detail, ...members }, headers);
}

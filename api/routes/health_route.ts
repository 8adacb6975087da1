/**
 * `GET /health`.
 *
 * @module
 */
import { askRelays, logBounds, messageOf, streamNumbers, VERSION } from "@ourocodus/bus";
import { createRoute, type z } from "@hono/zod-openapi";
import type { ApiApp } from "../app.ts";
import type { ApiParts } from "../parts.ts";
import { HealthSchema } from "../schemas/health.ts";

const ROUTE = createRoute({
  method: "get",
  path: "/health",
  summary: "How the system is",
  tags: ["System"],
  responses: {
    200: {
      description: "It is healthy",
      content: { "application/json": { schema: HealthSchema } },
    },
    503: {
      description: "It is not; `reason` says why",
      content: { "application/json": { schema: HealthSchema } },
    },
  },
});

/** Adds the route. */
export function healthRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const health = await healthOf(parts);
    return context.json(health, health.status === "healthy" ? 200 : 503);
  });
}

type Health = z.infer<typeof HealthSchema>;

async function healthOf(parts: ApiParts): Promise<Health> {
  const { connection } = parts;
  if (!connection.connected) return unhealthy(parts, `NATS at ${connection.url} is away`);
  try {
    const [numbers, { first, last }, { relays, agents }] = await Promise.all([
      streamNumbers(connection),
      logBounds(connection),
      askRelays(connection, {}, { timeoutMs: 1_000 }),
    ]);
    return {
      ...unhealthy(parts),
      status: "healthy",
      relays: relays.map((relay) => {
        const own = agents.filter(({ relay_id }) => relay_id === relay.relay_id);
        const in_hand = own.reduce((sum, agent) => sum + agent.in_hand, 0);
        return { ...relay, agents: own.length, in_hand };
      }),
      streams: {
        work: numbers.work,
        log: { ...numbers.log, first_sequence: first, last_sequence: last },
      },
    };
  } catch (error) {
    return unhealthy(parts, messageOf(error));
  }
}

/** What is known without asking anybody. */
function unhealthy({ connection, events, startedAt }: ApiParts, reason?: string): Health {
  return {
    status: "unhealthy",
    nats: connection.connected ? "connected" : "disconnected",
    ...(reason !== undefined && { reason }),
    version: VERSION,
    uptime_seconds: Math.floor((Date.now() - startedAt) / 1_000),
    relays: [],
    streams: null,
    event_clients: events.clients,
  };
}

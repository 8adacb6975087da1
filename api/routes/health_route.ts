/**
 * `GET /health`.
 *
 * @module
 */
import { createRoute, type z } from "@hono/zod-openapi";
import { messageOf, VERSION } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { ApiParts } from "../parts.ts";
import { HealthSchema } from "../schemas/health.ts";
import { openProblems } from "../schemas/problem.ts";

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
    ...openProblems(),
  },
});

type Health = z.infer<typeof HealthSchema>;

/** Adds the route. */
export function healthRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    context.header("cache-control", "no-store");
    const health = await healthOf(parts);
    return context.json(health, health.status === "healthy" ? 200 : 503);
  });
}

async function healthOf(parts: ApiParts): Promise<Health> {
  const { look } = parts;
  try {
    const asked = [look.streams(), look.directory()] as const;
    const [{ numbers, bounds }, { relays, agents }] = await Promise.all(asked);
    const { messages, bytes } = numbers.log;
    const log = { messages, bytes, first_sequence: bounds.first, last_sequence: bounds.last };
    const [reason] = relays.flatMap(({ relay_id, reason }) =>
      reason ? [`${relay_id}: ${reason}`] : []
    );
    return {
      ...unhealthy(parts, reason),
      ...(reason === undefined && { status: "healthy" }),
      relays: relays.map((relay) => {
        const own = agents.filter(({ relay_id }) => relay_id === relay.relay_id);
        const in_hand = own.reduce((sum, agent) => sum + agent.in_hand, 0);
        return { ...relay, agents: own.length, in_hand };
      }),
      streams: { work: numbers.work, log },
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
    nats_since: connection.changedAt.toISOString(),
    ...(reason !== undefined && { reason }),
    version: VERSION,
    uptime_seconds: Math.floor((Date.now() - startedAt) / 1_000),
    relays: [],
    streams: null,
    event_clients: events.clients,
  };
}

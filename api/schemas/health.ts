/**
 * How the system is.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

const stream = z.object({ messages: z.int(), bytes: z.int() });

/** The answer of `GET /health`. */
export const HealthSchema = z.object({
  status: z.enum(["healthy", "unhealthy"]),
  nats: z.enum(["connected", "disconnected"]),
  nats_since: z.string().openapi({ description: "Since when it is, ISO 8601" }),
  reason: z.string().optional().openapi({ description: "Why it is unhealthy" }),
  version: z.string(),
  uptime_seconds: z.int(),
  relays: z.array(z.object({
    relay_id: z.string(),
    version: z.string(),
    reason: z.string().optional().openapi({ description: "Why it is unhealthy, if it is" }),
    agents: z.int(),
    in_hand: z.int(),
  })),
  streams: z.object({
    work: stream.openapi({ description: "Waiting and running work" }),
    log: stream.extend({ first_sequence: z.int(), last_sequence: z.int() }),
  }).nullable().openapi({ description: "Null if they cannot be asked" }),
  event_clients: z.int().openapi({ description: "Clients of GET /api/events" }),
}).openapi("Health");

/** One span of time in {@linkcode StatsSchema}. */
export const StatsPointSchema = z.object({
  time: z.string().openapi({ description: "Its beginning, ISO 8601" }),
  stored: z.int().openapi({ description: "Work items that were stored" }),
  done: z.int(),
  failed: z.int(),
  dead: z.int(),
  cancelled: z.int(),
  redelivered: z.int(),
  latency_p50_ms: z.number().nullable().openapi({
    description: "From storing the work to storing its result; null if there was none",
  }),
  latency_p99_ms: z.number().nullable(),
  pending: z.int().nullable().openapi({
    description: "Waiting and running work at its end; null if not known",
  }),
}).openapi("StatsPoint");

/** The answer of `GET /api/stats`. */
export const StatsSchema = z.object({
  interval_seconds: z.int(),
  points: z.array(StatsPointSchema).openapi({
    description: "Oldest first, without holes; the last one is not over yet",
  }),
}).openapi("Stats");

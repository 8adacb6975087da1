/**
 * Agents, as the API shows them.
 *
 * @module
 */
import { z } from "@hono/zod-openapi";

/** A work item that an agent has. */
export const AgentWorkSchema = z.object({
  sequence: z.int().openapi({ description: "Its sequence in the work stream" }),
  id: z.string().openapi({ description: "Its message's" }),
  attempt: z.int(),
  since: z.string().openapi({ description: "When it was handed out, ISO 8601" }),
  silent_since: z.string().optional().openapi({
    description: "Since when the agent has said nothing about it, if that is for long; ISO 8601",
  }),
}).openapi("AgentWork");

/** An agent. */
export const AgentSchema = z.object({
  id: z.string(),
  name: z.string().nullable().openapi({
    description:
      "What it is called where `agent start` started it; null if it was started elsewhere",
  }),
  session_id: z.string(),
  role: z.string(),
  runtime: z.enum(["process", "docker", "external"]),
  status: z.enum(["starting", "connected", "disconnected", "unknown", "exited"]).openapi({
    description: "`unknown`: it runs, and no relay has said whether it is connected",
  }),
  protocol: z.enum(["plain", "ourocodus.v1"]).nullable().openapi({
    description: "Null if it is not connected",
  }),
  relay_id: z.string().nullable().openapi({ description: "The relay it is connected to" }),
  concurrency: z.int(),
  in_hand: z.int().openapi({ description: "Its running work items" }),
  paused: z.object({
    reason: z.string().openapi({
      description:
        "`failing`: its attempts end at once; `limited`: its provider's limit is reached",
    }),
    message: z.string().openapi({ description: "For people" }),
    until: z.string().openapi({ description: "ISO 8601" }),
  }).nullable().openapi({ description: "Why it takes no work for now; null if it does" }),
  work: z.array(AgentWorkSchema),
  since: z.string().nullable().openapi({
    description: "When it connected or was started, ISO 8601; null if it does not run",
  }),
  pid: z.int().nullable(),
  container: z.string().nullable(),
  restarts: z.int(),
  exit: z.object({ code: z.int().nullable(), signal: z.string().nullable() }).nullable(),
}).openapi("Agent");

/** The answer of `GET /api/agents`. */
export const AgentListSchema = z.object({
  agents: z.array(AgentSchema),
  relays: z.array(z.object({ relay_id: z.string(), version: z.string() })),
  warnings: z.array(z.string()).openapi({ description: "Why agents may be missing; mostly empty" }),
}).openapi("AgentList");

/** The answer of `DELETE /api/agents/{id}`. */
export const StoppedAgentSchema = z.object({
  id: z.string(),
  session_id: z.string(),
  role: z.string(),
  state: z.enum(["stopping", "stopped"]),
  in_hand: z.int().openapi({ description: "The running work items that it finishes first" }),
}).openapi("StoppedAgent");

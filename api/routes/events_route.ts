/**
 * `GET /api/events`: the log as server-sent events.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { invalidName } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import type { EventRequest } from "../event_client.ts";
import type { EventKind } from "../event_frame.ts";
import type { ApiParts } from "../parts.ts";
import { ProblemError } from "../problem.ts";
import { timeOrAgoMs } from "../schemas/names.ts";
import { problems } from "../schemas/problem.ts";
import { needs } from "../security.ts";
import { shown } from "../shown.ts";

const NAMES = "^[A-Za-z0-9_-]{1,64}(,[A-Za-z0-9_-]{1,64}){0,99}$";
const INCLUDABLE = ["work", "results", "dead"] as const;
const MAX_VALUES = 100;
const MAX_TYPE_CHARACTERS = 64;

const ROUTE = createRoute({
  method: "get",
  path: "/api/events",
  ...needs("read"),
  summary: "Live events",
  description:
    "Server-sent events. `id` is the sequence in the log, `data` a LogItem as one line " +
    "of JSON. Named events, without an id, are about the stream: `status`, `gap`, `reset`, `slow`, `expired`.",
  tags: ["Events"],
  request: {
    query: z.object({
      session: z.string().optional().openapi({
        description: "Of these sessions; several with commas",
        pattern: NAMES,
        example: "docs,papers",
      }),
      role: z.string().optional().openapi({
        description: "About these roles; several with commas",
        pattern: NAMES,
        example: "writer",
      }),
      type: z.string().optional().openapi({
        description: "Of these types, each of 1 to 64 characters; several with commas",
        example: "agent.connected,work.dead",
      }),
      include: z.string().optional().openapi({
        description: "Other records to send, with commas: work, results, dead",
        example: "work,results",
      }),
      since: z.string().optional().openapi({
        description:
          "Go on after this sequence, or begin at this time (ISO 8601) or this long ago (10m)",
        example: "1234",
      }),
    }),
    headers: z.object({
      "last-event-id": z.string().optional().openapi({
        description: "Go on after this sequence; wins over `since`",
        pattern: "^[0-9]{1,15}$",
        example: "1234",
      }),
    }),
  },
  responses: {
    200: {
      description: "The stream; it does not end by itself",
      content: { "text/event-stream": { schema: z.string() } },
    },
    ...problems("invalid_request", "unavailable", "too_many"),
  },
});

/** Adds the route. */
export function eventsRoute(app: ApiApp, { events }: ApiParts): void {
  app.openapi(ROUTE, (context) => {
    const request = eventRequest(
      context.req.valid("query"),
      context.req.valid("header")["last-event-id"],
    );
    if (events.clients >= events.maxClients) {
      const detail = `${events.maxClients} clients follow events, that is MAX_EVENT_CLIENTS`;
      throw new ProblemError("too_many", detail, { headers: { "retry-after": "5" } });
    }
    const headers = {
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-cache, no-transform",
      // For proxies that would collect a response before they pass it on.
      "x-accel-buffering": "no",
    };
    if (context.req.raw.method === "HEAD") return new Response(null, { headers });
    return new Response(events.open({ ...request, expiresAt: context.get("access").expiresAt }), {
      headers,
    });
  });
}

/**
 * What a client asks for.
 *
 * @throws {ProblemError} If a parameter cannot be used.
 */
export function eventRequest(
  query: Readonly<Partial<Record<"session" | "role" | "type" | "include" | "since", string>>>,
  lastEventId: string | undefined,
): EventRequest {
  const kinds = new Set<EventKind>(["events"]);
  for (const kind of valuesOf("include", query.include) ?? []) {
    if (!(INCLUDABLE as readonly string[]).includes(kind)) {
      throw invalid("include", `is ${shown(kind)}, allowed are ${INCLUDABLE.join(", ")}`);
    }
    kinds.add(kind as EventKind);
  }
  return {
    filter: {
      kinds,
      sessions: namesOf("session", query.session),
      roles: namesOf("role", query.role),
      types: typesOf(query.type),
    },
    ...beginning(query.since, lastEventId),
  };
}

function beginning(
  since: string | undefined,
  lastEventId: string | undefined,
): Pick<EventRequest, "after" | "since"> {
  // A browser sends an empty one where it has none.
  if (lastEventId) {
    const after = sequenceOf(lastEventId);
    if (after !== undefined) return { after };
    throw invalid("Last-Event-ID", `is ${shown(lastEventId)}, it must be a sequence`, "header");
  }
  if (since === undefined || since === "") return {};
  const after = sequenceOf(since);
  if (after !== undefined) return { after };
  // Without a unit it would have been a sequence.
  const timeMs = timeOrAgoMs(since);
  if (timeMs !== undefined) return { since: new Date(Math.max(timeMs, 0)) };
  throw invalid(
    "since",
    `is ${
      shown(since)
    }, it must be a sequence, a time like 2026-01-31T12:00:00Z or a duration like 10m`,
  );
}

function sequenceOf(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function namesOf(parameter: string, text: string | undefined): Set<string> | undefined {
  const names = valuesOf(parameter, text);
  for (const name of names ?? []) {
    const wrong = invalidName(name);
    if (wrong !== undefined) throw invalid(parameter, wrong);
  }
  return names;
}

function typesOf(text: string | undefined): Set<string> | undefined {
  const types = valuesOf("type", text);
  for (const { length } of types ?? []) {
    if (length > MAX_TYPE_CHARACTERS) {
      throw invalid("type", `has ${length} characters, limit is ${MAX_TYPE_CHARACTERS}`);
    }
  }
  return types;
}

/** The values of a list; undefined if there is none, so that everything passes. */
function valuesOf(parameter: string, text: string | undefined): Set<string> | undefined {
  const values = new Set((text ?? "").split(",").map((value) => value.trim()).filter(Boolean));
  if (values.size > MAX_VALUES) {
    throw invalid(parameter, `has ${values.size} values, limit is ${MAX_VALUES}`);
  }
  return values.size > 0 ? values : undefined;
}

function invalid(
  name: string,
  reason: string,
  place: "query" | "header" = "query",
): ProblemError {
  const detail = `${name} ${reason}`;
  return new ProblemError("invalid_request", detail, {
    extras: { errors: [{ in: place, name, detail }] },
  });
}

/**
 * `POST /api/sessions/{session}/work/{role}`.
 *
 * @module
 */
import { createRoute, z } from "@hono/zod-openapi";
import { PublishError } from "@ourocodus/bus";
import {
  type LogItem,
  logItem,
  sendWork,
  type SentWork,
  TakenIdError,
  traceWork,
  type Work,
} from "@ourocodus/ops";
import { invalidId, messageOf } from "@ourocodus/protocol";
import type { ApiApp } from "../api_app.ts";
import { newWork } from "../new_work.ts";
import type { ApiParts } from "../parts.ts";
import { preferredWaitSeconds } from "../preferences.ts";
import { ProblemError } from "../problem.ts";
import { nameSchema } from "../schemas/names.ts";
import { PreferSchema } from "../schemas/prefer.ts";
import { problems } from "../schemas/problem.ts";
import { NewWorkSchema, SentWorkSchema } from "../schemas/work.ts";
import { needs } from "../security.ts";
import { workLocation } from "../work_location.ts";

const ROUTE = createRoute({
  method: "post",
  path: "/api/sessions/{session}/work/{role}",
  ...needs("send"),
  summary: "Send work",
  description: "The body is a payload, a text, or a whole message, whose further fields travel " +
    "untouched. The same id again within two minutes is stored once; with another message it is " +
    "refused.",
  tags: ["Work"],
  request: {
    params: z.object({ session: nameSchema("session"), role: nameSchema("role") }),
    headers: z.object({
      prefer: PreferSchema,
      "idempotency-key": z.string().superRefine((key, context) => {
        const wrong = invalidId(key);
        if (wrong === undefined) return;
        context.addIssue({ code: "custom", message: wrong.replace(/^id /, "Idempotency-Key ") });
      }).optional().openapi({
        type: "string",
        description: "The same key again within two minutes is stored once, and refused with " +
          "another body; it is the id, if the body has none",
      }),
    }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: NewWorkSchema,
          example: { payload: { message: "Write the changelog" } },
        },
      },
    },
  },
  responses: {
    200: {
      description: "It is stored, and has an outcome",
      content: { "application/json": { schema: SentWorkSchema } },
    },
    202: {
      description: "It is stored",
      content: { "application/json": { schema: SentWorkSchema } },
    },
    ...problems(
      "invalid_request",
      "foreign_origin",
      "too_slow",
      "too_large",
      "unsupported_media_type",
      "unprocessable",
      "unavailable",
      "too_many",
    ),
  },
});

/** Adds the route. */
export function sendWorkRoute(app: ApiApp, parts: ApiParts): void {
  app.openapi(ROUTE, async (context) => {
    const { session, role } = context.req.valid("param");
    const { prefer, "idempotency-key": key } = context.req.valid("header");
    const text = await context.req.text();
    const work = newWork({ session, role, key, text, body: context.req.valid("json") });
    const seconds = preferredWaitSeconds(prefer);
    const { sent, result } = await send(parts, work, seconds);
    context.header("location", workLocation(work));
    if (result !== null) context.header("preference-applied", `wait=${seconds}`);
    const { id, sequence, duplicate } = sent;
    const answer = { id, sequence, session_id: session, role, duplicate, result };
    return context.json(answer, result === null ? 202 : 200);
  });
}

async function send(
  parts: ApiParts,
  work: Work & { readonly text: string },
  seconds: number,
): Promise<{ readonly sent: SentWork; readonly result: LogItem | null }> {
  const { session, role } = work;
  if (seconds === 0) return { sent: await store(parts, work), result: null };
  const wait = parts.waits.begin(session, role);
  try {
    const sent = await store(parts, work);
    if (sent.duplicate) {
      const before = await outcomeOf(parts, sent.sequence, session);
      if (before !== null) return { sent, result: before };
    }
    const record = await wait.result(sent.sequence, seconds * 1_000);
    return { sent, result: record === undefined ? null : logItem(record) };
  } finally {
    wait.close();
  }
}

async function outcomeOf(
  { connection }: ApiParts,
  workSequence: number,
  session: string,
): Promise<LogItem | null> {
  const [trace] = await traceWork(connection, { workSequence }, { session, limit: 1 });
  return trace?.result ?? null;
}

async function store(
  parts: ApiParts,
  work: Work & { readonly text: string },
): Promise<SentWork> {
  const { connection, limits, metrics } = parts;
  if (!connection.connected) {
    const detail = `NATS at ${connection.url} is away; nothing was stored`;
    throw new ProblemError("unavailable", detail, { headers: { "retry-after": "1" } });
  }
  const size = new TextEncoder().encode(work.text).length;
  if (size > connection.maxPayloadBytes - HEADER_BYTES) {
    const limit = connection.maxPayloadBytes - HEADER_BYTES;
    throw new ProblemError("too_large", `the work is ${size} bytes, limit is ${limit}`);
  }
  let sent: SentWork;
  try {
    sent = await sendWork(connection, work, { limits });
  } catch (error) {
    if (error instanceof TakenIdError) throw taken(work, error);
    if (!(error instanceof PublishError)) throw error;
    const detail = `${messageOf(error)}. Sending it again with the same id is safe`;
    throw new ProblemError("unavailable", detail, { headers: { "retry-after": "1" } });
  }
  metrics.sent(sent.duplicate);
  return sent;
}

/** What the headers of work take at most. */
const HEADER_BYTES = 1_024;

function taken({ messageId }: Work, { message, sequence }: TakenIdError): ProblemError {
  const detail = messageId === undefined
    ? message
    : "the Idempotency-Key was used for other work within the last minutes";
  return new ProblemError("unprocessable", detail, { extras: { work_sequence: sequence } });
}

/**
 * The work that a request asks to send.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { newWorkId, type Work, workMessageId, workPayload } from "@ourocodus/ops";
import { parseWork } from "@ourocodus/protocol";
import { parseExactly } from "./json_text.ts";
import { ProblemError } from "./problem.ts";
import type { NewWorkSchema } from "./schemas/work.ts";

/** What a request says. */
export interface NewWorkRequest {
  readonly session: string;
  readonly role: string;
  /** The body's text, which is JSON. */
  readonly text: string;
  /** What the schema made of it. */
  readonly body: z.infer<typeof NewWorkSchema>;
  /** Of `Idempotency-Key`. */
  readonly key: string | undefined;
}

/**
 * Makes the work. A body that is a whole message is its text; else a message is made of the body.
 *
 * @throws {ProblemError} If the body cannot become a message.
 */
export function newWork(request: NewWorkRequest): Work & { readonly text: string } {
  const { session, role, text, body, key } = request;
  const { id: given, type } = body;
  // As it came: with numbers that JavaScript cannot hold, and names that schemas drop.
  const { id: _, type: __, payload, message, ...more } = parseExactly(text) as typeof body;
  if (message !== undefined && payload !== undefined) {
    throw malformed("/message", "message and payload are given, allowed is one of them");
  }
  if (message === undefined && payload === undefined) {
    throw malformed("/payload", "payload is missing: an object, or message, a text, in its place");
  }
  const target = { session, role };
  const id = given ?? key ?? newWorkId();
  const messageId = key === undefined ? undefined : workMessageId(session, role, `key:${key}`);
  const whole = given !== undefined && type !== undefined && payload !== undefined;
  const made = whole ? text : JSON.stringify({
    id,
    type: type ?? "work",
    payload: workPayload(target, payload ?? { message }),
    ...more,
  });
  const parsed = parseWork(made);
  if (parsed.kind === "invalid") throw malformed("", `is no message: ${parsed.reason}`);
  return { ...target, id, ...(messageId !== undefined && { messageId }), text: made };
}

function malformed(pointer: string, detail: string): ProblemError {
  const shown = pointer === "" ? `the body ${detail}` : detail;
  return new ProblemError("invalid_request", shown, {
    extras: { errors: [{ in: "body", name: pointer, detail: shown }] },
  });
}

/**
 * The parser of `session/update`, the one message that every agent shapes a little differently.
 *
 * @module
 */
import type * as acp from "@agentclientprotocol/sdk/unstable";
import { z } from "zod";

const text = z.string();
const record = z.record(z.string(), z.unknown());
const meta = { _meta: record.nullish() };
const content = z.looseObject({ type: text, text: text.optional() })
  .refine(({ type, text }) => type !== "text" || text !== undefined, "text content without a text");
const chunk = { messageId: text.nullish(), content, ...meta };
const tool = {
  toolCallId: text,
  kind: text.nullish(),
  status: text.nullish(),
  title: text.nullish(),
  content: z.array(z.looseObject({ type: text })).nullish(),
  locations: z.array(z.looseObject({ path: text })).nullish(),
  ...meta,
};
const entry = z.looseObject({ content: text, status: text.nullish(), priority: text.nullish() });

/** The kinds that somebody relies on; any other kind is passed on with whatever it has. */
const KNOWN: Readonly<Record<string, z.ZodType>> = {
  agent_message_chunk: z.looseObject(chunk),
  agent_thought_chunk: z.looseObject(chunk),
  user_message_chunk: z.looseObject(chunk),
  tool_call: z.looseObject(tool),
  tool_call_update: z.looseObject(tool),
  plan: z.looseObject({ entries: z.array(entry), ...meta }),
  usage_update: z.looseObject({
    used: z.number(),
    size: z.number(),
    cost: z.looseObject({ amount: z.number(), currency: text }).nullish(),
    ...meta,
  }),
};

const notification = z.looseObject({
  sessionId: text,
  update: z.looseObject({ sessionUpdate: text, ...meta }),
});

/**
 * Reads the parameters of a `session/update`.
 *
 * The SDK's parser refuses an update that has one strange field, and prints that on standard error.
 * This one wants only what is relied on.
 *
 * @returns `undefined` for what is no update.
 */
export function sessionUpdateIn(params: unknown): acp.SessionNotification | undefined {
  const read = notification.safeParse(params);
  if (!read.success) return undefined;
  const { update } = read.data;
  const shape = KNOWN[update.sessionUpdate];
  if (shape !== undefined && !shape.safeParse(update).success) return undefined;
  return params as acp.SessionNotification;
}

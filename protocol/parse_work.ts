import { isReservedType, RESERVED_PREFIXES } from "./frames.ts";
import { type ParsedMessage, parseMessage } from "./message.ts";

/**
 * Parses a message that is to be work, and checks it: {@linkcode parseMessage}, and that its type is
 * not one of the protocol's own: an agent would take `relay.` for an order of its relay, and a relay
 * takes no answer whose type begins with `agent.`.
 *
 * @param text One JSON text.
 * @returns The message, or what is wrong with it. Never throws.
 *
 * @example
 * ```ts
 * import { parseWork } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseWork('{"id":"1","type":"relay.cancel","payload":{}}').kind, "invalid");
 * ```
 */
export function parseWork(text: string): ParsedMessage {
  const parsed = parseMessage(text);
  if (parsed.kind === "invalid" || !isReservedType(parsed.message.type)) return parsed;
  const { id, type } = parsed.message;
  const reason = `message type is "${type}", types that begin with ` +
    `${RESERVED_PREFIXES.join(" or ")} are reserved`;
  return { kind: "invalid", reason, id };
}

/** How a work item is named: by its message's id, or by its sequence where there is none. */
export function workId(parsed: ParsedMessage | undefined, sequence: number): string {
  const id = parsed?.kind === "ok" ? parsed.message.id : parsed?.id;
  return id ?? `work-${sequence}`;
}

/**
 * The message that travels between clients, relays and agents:
 * `{"id": string, "type": string, "payload": object}`.
 *
 * Unknown fields are allowed and travel untouched: what is forwarded is the text as it came, and
 * only these three fields are looked at.
 *
 * @module
 */
import { isReservedType, RESERVED_PREFIXES } from "./frames.ts";

/** The most characters (Unicode code points) that a message's `id` may have. */
export const MAX_ID_CHARACTERS = 128;

/** The most characters (Unicode code points) that a message's `type` may have. */
export const MAX_TYPE_CHARACTERS = 64;

/** A message, as parsed. Fields other than these three are kept as they were sent. */
export interface Message {
  /** 1 to 128 printable characters, chosen by the publisher; not necessarily unique. */
  readonly id: string;
  /** What the message is: `work`, `result`, `error`, `progress`, …; 1 to 64 printable characters. */
  readonly type: string;
  /** A JSON object; what it holds is between the publisher and the agent. */
  readonly payload: Readonly<Record<string, unknown>>;
  /** `ourocodus.v1`: names the attempt at a work item; opaque to agents. */
  readonly lease?: unknown;
  /** `ourocodus.v1`: the attempt's number, from 1. */
  readonly attempt?: unknown;
}

/** What {@linkcode parseMessage} returns. */
export type ParsedMessage =
  | { readonly kind: "ok"; readonly message: Message }
  | {
    readonly kind: "invalid";
    /** What is wrong, with the value and the limit; no full stop. */
    readonly reason: string;
    /** The message's id, where that much was readable. */
    readonly id?: string;
  };

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/;
// Control, format, surrogate, private-use and unassigned characters, and line and paragraph breaks.
const NOT_PRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/u;

/**
 * Says what is wrong with a message id, if anything.
 *
 * @param id Any value.
 * @returns `undefined` when the id is a string of 1 to 128 printable characters, else the reason.
 *
 * @example
 * ```ts
 * import { invalidId } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.equal(invalidId("task-1"), undefined);
 * assert.equal(invalidId(7), "id must be a string, got a number");
 * ```
 */
export function invalidId(id: unknown): string | undefined {
  return invalidLabel("id", id, MAX_ID_CHARACTERS);
}

/**
 * Parses one message and checks its three fields.
 *
 * @param text One JSON text. Its size is not checked here: that limit is the server's.
 * @returns The message, or what is wrong with it. Never throws.
 *
 * @example
 * ```ts
 * import { parseMessage } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * const parsed = parseMessage('{"id":"1","type":"work","payload":{}}');
 * assert.equal(parsed.kind, "ok");
 * ```
 */
export function parseMessage(text: string): ParsedMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: "invalid", reason: `message is not valid JSON: ${(error as Error).message}` };
  }
  if (!isObject(value)) {
    return { kind: "invalid", reason: `message must be a JSON object, got ${describe(value)}` };
  }
  const wrongId = invalidId(value.id);
  if (wrongId !== undefined) return { kind: "invalid", reason: `message ${wrongId}` };
  const id = value.id as string;
  const wrongType = invalidLabel("type", value.type, MAX_TYPE_CHARACTERS);
  if (wrongType !== undefined) return { kind: "invalid", reason: `message ${wrongType}`, id };
  if (!isObject(value.payload)) {
    const reason = `message payload must be a JSON object, got ${describe(value.payload)}`;
    return { kind: "invalid", reason, id };
  }
  return { kind: "ok", message: value as unknown as Message };
}

/**
 * Makes the text of a message.
 *
 * @param id 1 to 128 printable characters.
 * @param type 1 to 64 printable characters.
 * @param payload Anything that `JSON.stringify` takes.
 * @returns One line of JSON.
 * @throws {TypeError} If the id or the type is not as said, or the payload has no JSON form.
 */
export function formatMessage(id: string, type: string, payload: object): string {
  const wrong = invalidId(id) ?? invalidLabel("type", type, MAX_TYPE_CHARACTERS);
  if (wrong !== undefined) throw new TypeError(`Cannot make a message: ${wrong}`);
  return JSON.stringify({ id, type, payload });
}

/** A JSON object, neither `null` nor an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A JSON object from its text, or `undefined` if the text is none. */
export function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Names the kind of a JSON value for an error message: `nothing`, `null`, `an array`, `a number`. */
export function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}

/**
 * Says what is wrong with a short text of printable characters, if anything.
 *
 * @param limit The most characters (Unicode code points).
 */
export function invalidLabel(name: string, value: unknown, limit: number): string | undefined {
  if (typeof value !== "string") return `${name} must be a string, got ${describe(value)}`;
  if (value.length === 0) return `${name} is empty, it needs 1 to ${limit} characters`;
  if (value.length <= limit && PRINTABLE_ASCII.test(value)) return undefined;
  const characters = value.length > 4 * limit ? value.length : [...value].length;
  if (characters > limit) return `${name} is ${characters} characters, limit is ${limit}`;
  const unprintable = NOT_PRINTABLE.exec(value)?.[0].codePointAt(0);
  if (unprintable === undefined) return undefined;
  const codePoint = unprintable.toString(16).toUpperCase().padStart(4, "0");
  return `${name} has a character that is not printable: U+${codePoint}`;
}

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

/**
 * What a handler's end means for its work, as one line for the relay. Whatever was returned or
 * thrown has an answer: nothing in this file throws.
 *
 * @module
 */
import { AGENT_TYPE, appendLease, bytesBeyond, messageOf } from "@ourocodus/protocol";
import { isA, RetryableError, WorkError } from "./errors.ts";

/** How a handler ended. */
export type Outcome =
  | { readonly kind: "returned"; readonly value: unknown }
  | { readonly kind: "thrown"; readonly error: unknown };

/** The attempt that is answered. */
export interface Attempt {
  readonly id: string;
  readonly lease: string;
}

/** One line for the relay that ends an attempt. */
export interface Answer extends Attempt {
  readonly type: "result" | "error" | "retry";
  /** A message's text, with its lease. */
  readonly line: string;
}

/** What a handler reports of its work, before it ends. */
export interface Report {
  /** One of `REPORT_TYPES`. */
  readonly type: string;
  /** A text is sent as `{"message": text}`. */
  readonly payload: unknown;
}

/** The JSON text of an object, or why there is none. */
export type PayloadText =
  | { readonly kind: "ok"; readonly text: string }
  | { readonly kind: "invalid"; readonly reason: string };

/** Of an error's message as much as this is sent, in characters. */
const MAX_ERROR_CHARACTERS = 8_192;

/** Turns a handler's end into an answer. */
export function answerOf(attempt: Attempt, outcome: Outcome): Answer {
  if (outcome.kind === "returned") return resultOf(attempt, outcome.value);
  const { error } = outcome;
  if (isA(error, RetryableError)) {
    return answer(attempt, AGENT_TYPE.retry, {
      delay_ms: error.delayMs,
      message: cut(error.message),
      reason: error.reason,
      charge: error.charge,
    });
  }
  if (isA(error, WorkError)) return detailedError(attempt, error);
  return answer(attempt, AGENT_TYPE.error, errorPayload(error));
}

/**
 * The answer itself if the relay takes its size, else an error that says so.
 *
 * @param maxBytes The relay's limit, in bytes of UTF-8.
 */
export function fitted(given: Answer, maxBytes: number): Answer {
  const bytes = bytesBeyond(given.line, maxBytes);
  if (bytes === undefined) return given;
  return answer(given, AGENT_TYPE.error, {
    message: `Cannot send the ${given.type}: it is ${bytes} bytes, limit is ${maxBytes}`,
    name: "ResultTooLarge",
    code: "result_too_large",
  });
}

/**
 * The largest payload of a result, in bytes of its JSON text, whose message the relay takes.
 *
 * @param maxBytes The relay's limit for a message, in bytes.
 */
export function maxPayloadBytes(attempt: Attempt, maxBytes: number): number {
  const envelope = new TextEncoder().encode(line(attempt, AGENT_TYPE.result, "")).length;
  return Math.max(maxBytes - envelope, 0);
}

/** The line for the relay that reports something, or why there is none. */
export function reportLine(attempt: Attempt, { type, payload }: Report): PayloadText {
  const text = payloadText(typeof payload === "string" ? { message: payload } : payload);
  return text.kind === "invalid" ? text : { kind: "ok", text: line(attempt, type, text.text) };
}

/**
 * The JSON text of a payload: of an object as it is, of `undefined` `{}`, of anything else
 * `{"value": …}`. Decided by the JSON form, since that is what travels: a `Date` is a string.
 */
export function payloadText(value: unknown): PayloadText {
  if (value === undefined) return { kind: "ok", text: "{}" };
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    return { kind: "invalid", reason: firstLine(textOf(error)) };
  }
  if (text === undefined) return { kind: "invalid", reason: `a ${typeof value} has no JSON form` };
  return { kind: "ok", text: text.startsWith("{") ? text : `{"value":${text}}` };
}

function detailedError(attempt: Attempt, error: WorkError): Answer {
  const text = detailsText(error) ?? JSON.stringify(errorPayload(error));
  return { ...attempt, type: AGENT_TYPE.error, line: line(attempt, AGENT_TYPE.error, text) };
}

/** @returns `undefined` if the details have no JSON form. */
function detailsText(error: WorkError): string | undefined {
  try {
    const all = { code: error.code, message: cut(error.message), ...error.details };
    const payload = payloadText(all);
    return payload.kind === "ok" ? payload.text : undefined;
  } catch {
    return undefined; // A getter threw.
  }
}

function resultOf(attempt: Attempt, value: unknown): Answer {
  const payload = payloadText(value);
  if (payload.kind === "ok") {
    return {
      ...attempt,
      type: AGENT_TYPE.result,
      line: line(attempt, AGENT_TYPE.result, payload.text),
    };
  }
  return answer(attempt, AGENT_TYPE.error, {
    message: cut(`Cannot send the result: ${payload.reason}`),
    name: "ResultNotJson",
    code: "result_not_json",
  });
}

function answer(attempt: Attempt, type: Answer["type"], payload: object): Answer {
  const { id, lease } = attempt;
  return { id, lease, type, line: line(attempt, type, JSON.stringify(payload)) };
}

function line(attempt: Attempt, type: string, payload: string): string {
  const text = `{"id":${JSON.stringify(attempt.id)},"type":"${type}","payload":${payload}}`;
  return appendLease(text, attempt.lease);
}

interface ErrorPayload {
  readonly message: string;
  readonly name?: string;
  readonly code?: string | number;
}

function errorPayload(error: unknown): ErrorPayload {
  const message = cut(textOf(error));
  if (typeof error !== "object" || error === null) return { message };
  try {
    const { name, code } = error as { name?: unknown; code?: unknown };
    return {
      message,
      ...(typeof name === "string" && { name: cut(name) }),
      ...(typeof code === "string" && { code: cut(code) }),
      ...(typeof code === "number" && { code }),
    };
  } catch {
    return { message }; // A getter threw.
  }
}

/** The message of anything that was thrown, even of what refuses to be read. */
function textOf(error: unknown): string {
  try {
    if (typeof error === "object" && error !== null && "message" in error) {
      const { message } = error;
      if (typeof message === "string" && message !== "") return message;
    }
    return messageOf(error) || Object.prototype.toString.call(error);
  } catch {
    return "what was thrown has no text";
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? text;
}

function cut(text: string): string {
  return text.length <= MAX_ERROR_CHARACTERS ? text : `${text.slice(0, MAX_ERROR_CHARACTERS)}…`;
}

/**
 * Conversations: work items of one session and role that name the same one are done in their order, one
 * at a time.
 *
 * @module
 */
import { describe, type Message } from "./message.ts";
import { invalidName } from "./subjects.ts";

const BEGUN_BY = /^work-([1-9]\d{0,15})$/;

interface Fields {
  readonly conversation?: unknown;
}

/**
 * The conversation that a message names, next to its payload.
 *
 * @returns `undefined` if it names none, or what it names cannot be a conversation.
 *
 * @example
 * ```ts
 * import { conversationOf } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * const work = { id: "1", type: "work", payload: {}, conversation: "shop-7" };
 * assert.equal(conversationOf(work), "shop-7");
 * ```
 */
export function conversationOf({ conversation }: Message & Fields): string | undefined {
  // Asked for each message, nearly all of which name none.
  if (conversation === undefined || invalidName(conversation) !== undefined) return undefined;
  return conversation as string;
}

/** Says what is wrong with the conversation that a message names, if anything. */
export function invalidConversation({ conversation }: Message & Fields): string | undefined {
  if (conversation === undefined) return undefined;
  const wrong = conversation === null ? `must be a string, got ${describe(null)}` : undefined;
  const reason = wrong ?? invalidName(conversation);
  return reason === undefined ? undefined : `conversation ${reason}`;
}

/**
 * The conversation that a work item without one begins: later work may name it.
 *
 * @param sequence The work item's.
 */
export function conversationBegunBy(sequence: number): string {
  return `work-${sequence}`;
}

/** The sequence of the work item that begins a conversation, if its name says so. */
export function beginningOf(conversation: string): number | undefined {
  const [, digits] = BEGUN_BY.exec(conversation) ?? [];
  const sequence = Number(digits);
  return digits !== undefined && Number.isSafeInteger(sequence) ? sequence : undefined;
}

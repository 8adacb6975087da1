/**
 * What a work item is called where people read lists.
 *
 * @module
 */
import type { Message } from "./message.ts";

/** The most characters of a title. */
export const MAX_TITLE_CHARACTERS = 72;
/** So much of a text is looked at, in characters. */
const MAX_READ_CHARACTERS = 1_000;
/** What terminals act on, and what turns the direction of text: titles are shown by git log too. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * The payload's `title`, else the first line of its `message`: one line of at most 72 characters, the
 * last of which is an ellipsis if there was more.
 *
 * @returns `undefined` if the payload has neither.
 */
export function workTitle({ title, message }: Message["payload"]): string | undefined {
  const text = [title, message].find((value) => typeof value === "string" && value.trim() !== "");
  if (typeof text !== "string") return undefined;
  const [first = ""] = text.trim().slice(0, MAX_READ_CHARACTERS).split(/[\r\n]/);
  const line = first.replaceAll(UNPRINTABLE, " ").trim();
  return line.length <= MAX_TITLE_CHARACTERS
    ? line
    : `${line.slice(0, MAX_TITLE_CHARACTERS - 1).toWellFormed()}…`;
}

/**
 * What a result says, in one line.
 *
 * @module
 */
import type { LogItem } from "../api/wire.ts";
import { errorHeadline, resultHeadline } from "../protocol/result_text.ts";

/** The text, or of a message its first line. */
export function headlineOf({ type, payload, text }: LogItem): string {
  if (payload === null) return text ?? "";
  return type === "error" ? errorHeadline(payload) : resultHeadline(payload);
}

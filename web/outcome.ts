/**
 * What came of a work item, from its result.
 *
 * @module
 */
import type { LogItem } from "../api/wire.ts";
import { errorHeadline, resultHeadline } from "../protocol/result_text.ts";

/** The state that a result stands for. */
export function outcomeOf({ type, payload }: LogItem): "done" | "failed" | "cancelled" {
  if (type !== "error") return "done";
  return payload?.code === "cancelled" ? "cancelled" : "failed";
}

/** What a result says, in one line. */
export function headlineOf({ type, payload, text }: LogItem): string {
  if (payload === null) return text ?? "";
  return type === "error" ? errorHeadline(payload) : resultHeadline(payload);
}

/**
 * What came of a piece of work, from its result.
 *
 * @module
 */
import type { LogItem } from "../api/wire.ts";

/** The state that a result stands for. */
export function outcomeOf({ type, payload }: LogItem): "done" | "failed" | "cancelled" {
  if (type !== "error") return "done";
  return payload?.code === "cancelled" ? "cancelled" : "failed";
}

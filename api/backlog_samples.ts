/**
 * How much work has no outcome, looked at again and again, so that the last minutes are known also if
 * nobody has looked meanwhile.
 *
 * @module
 */
import { pause } from "@ourocodus/protocol";
import { SPAN_MS, type Stats } from "./stats.ts";
import type { SystemLook } from "./system_look.ts";

/** Twice a span: asking takes a moment, too, and no span is to be left out. */
const EVERY_MS = SPAN_MS / 2;

/**
 * Notes it in each span. Where it cannot be asked there is a hole.
 *
 * @returns Ends that, and resolves when it has.
 */
export function sampleBacklog(
  stats: Pick<Stats, "pending">,
  look: Pick<SystemLook, "streams">,
  everyMs: number = EVERY_MS,
): () => Promise<void> {
  const ending = new AbortController();
  const sampling = (async () => {
    while (!ending.signal.aborted) {
      const sample = await look.streams().catch(() => undefined);
      if (sample !== undefined) stats.pending(sample.numbers.work.messages);
      await pause(everyMs, ending.signal);
    }
  })();
  return async () => {
    ending.abort();
    await sampling;
  };
}

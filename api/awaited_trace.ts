/**
 * Where work is, and if the client would wait for that, once it has an outcome.
 *
 * @module
 */
import {
  isUnfinished,
  type TraceOptions,
  traceWork,
  type WorkQuery,
  type WorkTrace,
} from "@ourocodus/ops";
import type { ApiParts } from "./parts.ts";
import { preferredWaitSeconds } from "./preferences.ts";

/** What is known. */
export interface AwaitedTrace {
  /** Newest first; empty if nothing is known. */
  readonly traces: readonly WorkTrace[];
  /** The preference that was applied, for the header `Preference-Applied`. */
  readonly applied?: string;
}

/**
 * Traces work, and waits until the newest has an outcome, as long as the client prefers.
 *
 * @param prefer The header `Prefer`.
 * @throws {StreamError} If log or queue cannot be read.
 * @throws {ProblemError} If too many requests wait.
 */
export async function awaitedTrace(
  { connection, waits }: Pick<ApiParts, "connection" | "waits">,
  query: WorkQuery,
  options: TraceOptions & { readonly prefer: string | undefined },
): Promise<AwaitedTrace> {
  const seconds = preferredWaitSeconds(options.prefer);
  if (seconds === 0) return { traces: await traceWork(connection, query, options) };
  const wait = waits.beginAny();
  try {
    const traces = await traceWork(connection, query, options);
    const [newest] = traces;
    if (newest === undefined || !isUnfinished(newest.state)) return { traces };
    const came = await wait.outcome(newest, seconds * 1_000);
    return {
      traces: await traceWork(connection, query, options),
      ...(came && { applied: `wait=${seconds}` }),
    };
  } finally {
    wait.close();
  }
}

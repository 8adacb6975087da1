/**
 * What a request to cancel work is answered.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { PublishError } from "@ourocodus/bus";
import {
  type Cancellation,
  type CancelledWork,
  type CancelOptions,
  cancelWork,
  type WorkQuery,
  type WorkState,
} from "@ourocodus/ops";
import { messageOf } from "@ourocodus/protocol";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problem.ts";
import type { CancelledWorkSchema } from "./schemas/work.ts";

/**
 * Cancels.
 *
 * @param unknown What to say if there is no such work.
 * @returns The receipt.
 * @throws {ProblemError} If nothing was cancelled.
 */
export async function cancelled(
  { connection, metrics }: ApiParts,
  query: WorkQuery,
  options: CancelOptions & { readonly unknown: () => ProblemError },
): Promise<z.infer<typeof CancelledWorkSchema>> {
  const done = await cancel();
  switch (done.kind) {
    case "cancelled": {
      const { work, was, holder } = done;
      metrics.cancelled(was);
      return { ...work, state: "cancelled", was, holder };
    }
    case "finished":
      throw finished(done.work, done.state);
    case "ambiguous":
      throw ambiguous(done.works);
    case "unknown":
      throw options.unknown();
  }

  async function cancel(): Promise<Cancellation> {
    try {
      return await cancelWork(connection, query, options);
    } catch (error) {
      if (!(error instanceof PublishError)) throw error;
      const detail = `${messageOf(error)}. It is not known whether the work is cancelled; ` +
        "asking again is safe";
      throw new ProblemError("unavailable", detail, { headers: { "retry-after": "1" } });
    }
  }
}

function finished(work: CancelledWork, state: WorkState): ProblemError {
  const { id, work_sequence, session_id, role } = work;
  const what = id === null ? `work ${work_sequence}` : `work ${JSON.stringify(id)}`;
  const where = `session ${session_id}, role ${role}, sequence ${work_sequence}`;
  const detail = `${what} is ${state.replace("_", " ")} already, nothing was cancelled (${where})`;
  return new ProblemError("conflict", detail, { extras: { ...work, state } });
}

function ambiguous(candidates: readonly CancelledWork[]): ProblemError {
  const detail = `${candidates.length} work items with this id have no outcome yet; name one ` +
    "by session and role, or by its sequence: /api/sessions/{session}/work/{sequence}";
  return new ProblemError("ambiguous", detail, { extras: { candidates } });
}

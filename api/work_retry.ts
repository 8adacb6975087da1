/**
 * What requests to retry work are answered.
 *
 * @module
 */
import type { z } from "@hono/zod-openapi";
import { PublishError } from "@ourocodus/bus";
import {
  type FinishedFilter,
  finishedWork,
  type Retried,
  type RetriedWork,
  retryFinished,
  type RetryOptions,
  type RetryQuery,
  retryWork,
  TakenIdError,
} from "@ourocodus/ops";
import { messageOf } from "@ourocodus/protocol";
import type { ApiParts } from "./parts.ts";
import { ProblemError } from "./problem.ts";
import type { RetriedListSchema, RetriedWorkSchema } from "./schemas/work.ts";

/**
 * Retries a work item.
 *
 * @param unknown What to say if there is no such work.
 * @returns The receipt.
 * @throws {ProblemError} If nothing was sent.
 */
export async function retried(
  { connection, limits, metrics }: ApiParts,
  query: RetryQuery,
  options: RetryOptions & { readonly unknown: () => ProblemError },
): Promise<z.infer<typeof RetriedWorkSchema>> {
  const done = await retryWork(connection, query, { ...options, limits }).catch(asProblem);
  switch (done.kind) {
    case "retried": {
      const { work: { work_sequence, session_id, role, state }, sent } = done;
      const { id, sequence, duplicate } = sent;
      metrics.sent(duplicate);
      const retry = { retry_of: work_sequence, was: state };
      return { id, sequence, session_id, role, duplicate, ...retry, result: null };
    }
    case "ambiguous": {
      const detail =
        `${done.works.length} sessions and roles have work with this id; name one by ` +
        "session and role, or by its sequence: /api/sessions/{session}/work/{sequence}/retry";
      throw new ProblemError("ambiguous", detail, { extras: { candidates: done.works } });
    }
    case "unknown":
      throw options.unknown();
    case "unfinished":
    case "already":
      throw new ProblemError("conflict", why(done), { extras: { ...done.work } });
    case "refused":
      throw new ProblemError("unprocessable", why(done), { extras: { ...done.work } });
    case "ready":
      throw new TypeError("this was no dry run");
  }
}

/**
 * Retries all that a filter finds.
 *
 * @returns What was sent, or would be with `dryRun`, and what could not be.
 * @throws {ProblemError} If nothing can be stored just now.
 */
export async function retriedAll(
  { connection, limits, metrics }: ApiParts,
  filter: FinishedFilter,
  { dryRun }: Pick<RetryOptions, "dryRun">,
): Promise<z.infer<typeof RetriedListSchema>> {
  const { session, role } = filter;
  const { works, more } = await finishedWork(connection, filter);
  const answer: z.infer<typeof RetriedListSchema> = { retried: [], refused: [], more };
  try {
    for await (
      const done of retryFinished(connection, works, { session, role, dryRun, limits })
    ) {
      if (done.kind === "retried") metrics.sent(done.sent.duplicate);
      if (done.kind === "retried" || done.kind === "ready") answer.retried.push(done.work);
      else if (done.kind === "refused") answer.refused.push({ ...done.work, reason: why(done) });
    }
  } catch (error) {
    asProblem(error);
  }
  return answer;
}

/** Why nothing was sent. */
function why(done: Extract<Retried, { kind: "unfinished" | "already" | "refused" }>): string {
  const { session_id, role, work_sequence, retried_as, state } = done.work;
  const name = nameOf(done.work);
  const where = `(session ${session_id}, role ${role}, sequence ${work_sequence})`;
  switch (done.kind) {
    case "unfinished":
      return `${name} is ${state === "in_hand" ? "running" : state}, nothing was sent; cancel it ` +
        `first: DELETE /api/sessions/${session_id}/work/${work_sequence} ${where}`;
    case "already":
      return `${name} was sent again already, as work ${retried_as}; again=true sends it once ` +
        `more ${where}`;
    case "refused":
      return `${name} cannot be sent again: ${done.reason} ${where}`;
  }
}

function nameOf({ id, work_sequence }: RetriedWork): string {
  return id === null ? `work ${work_sequence}` : `work ${JSON.stringify(id)}`;
}

function asProblem(error: unknown): never {
  if (error instanceof TakenIdError) throw new ProblemError("unprocessable", error.message);
  if (!(error instanceof PublishError)) throw error;
  const detail = `${messageOf(error)}. Asking again is safe: nothing is sent twice`;
  throw new ProblemError("unavailable", detail, { headers: { "retry-after": "1" } });
}

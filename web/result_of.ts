/**
 * The result of work that was sent from the page.
 *
 * @module
 */
import type { LogItem, PendingWorkList, SentWork, WorkTrace } from "../api/wire.ts";
import { ApiError, call } from "./api.ts";

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 5_000;
/** How long one may wait who may not read. */
const WAIT_SECONDS = 60;

/** Options of {@linkcode resultOf}. */
export interface ResultOptions {
  /** What was sent. */
  readonly body: string;
  /** Nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/**
 * Waits for the result, however long that takes, and whatever happens to the API meanwhile. It asks
 * again and again: a request that waits would keep one of the six connections that a browser has.
 *
 * @returns Undefined if there is none to be had.
 * @throws {ApiError} If it cannot be known.
 */
export async function resultOf(
  sent: SentWork,
  { body, signal }: ResultOptions,
): Promise<LogItem | undefined> {
  const { session_id, role, sequence } = sent;
  const work = `/api/sessions/${session_id}/work`;
  const after = sequence > 1 ? `&after=${sequence - 1}` : "";
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      // Where the work is, takes longer to find out the longer ago it was sent.
      const pending = await call<PendingWorkList>(`${work}?role=${role}${after}&limit=1`);
      if (pending.work[0]?.work_sequence === sequence) continue;
      const { result, state } = await call<WorkTrace>(`${work}/${sequence}`);
      if (result !== null || state === "gone") return result ?? undefined;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (error.status === 403) return await waitFor(sent, body);
    }
  }
  return undefined;
}

/** Waits as one who may only send: the same id again is the same work. */
async function waitFor(sent: SentWork, body: string): Promise<LogItem | undefined> {
  const { result } = await call<SentWork>(`/api/sessions/${sent.session_id}/work/${sent.role}`, {
    method: "POST",
    body: JSON.stringify({ ...JSON.parse(body), id: sent.id }),
    headers: { prefer: `wait=${WAIT_SECONDS}` },
    timeoutMs: (WAIT_SECONDS + 10) * 1_000,
  });
  return result ?? undefined;
}

/**
 * The result of work that was sent from the page.
 *
 * @module
 */
import type { LogItem, SentWork, WorkTrace } from "../api/wire.ts";
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
  // By its sequence, which is found at once, however much the log has.
  const path = `/api/sessions/${sent.session_id}/work/${sent.sequence}`;
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, MAX_PAUSE_MS)) {
    await new Promise((resolve) => setTimeout(resolve, pause));
    try {
      const { result } = await call<WorkTrace>(path);
      if (result !== null) return result;
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

/**
 * Sends finished work again.
 *
 * @module
 */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { RetriedWork, WorkTrace } from "../../api/wire.ts";
import { type ApiError, call } from "../api.ts";
import { go, workUrl } from "../route.ts";
import { Failure } from "./notice.tsx";

/** A button that does it, and goes to the new work. */
export function Retry(
  { work, onDone }: {
    readonly work: Pick<WorkTrace, "session_id" | "work_sequence">;
    readonly onDone?: () => void;
  },
): VNode {
  const [error, setError] = useState<ApiError>();
  const send = async () => {
    try {
      const path = `/api${workUrl(work.session_id, work.work_sequence)}/retry`;
      const { sequence } = await call<RetriedWork>(path, { method: "POST" });
      onDone?.();
      go(workUrl(work.session_id, sequence));
    } catch (failure) {
      setError(failure as ApiError);
    }
  };
  return (
    <>
      <button type="button" onClick={() => void send()}>Retry</button>
      <Failure error={error} />
    </>
  );
}

/**
 * Sends finished work again.
 *
 * @module
 */
import type { VNode } from "preact";
import type { RetriedWork, WorkTrace } from "../../api/wire.ts";
import { useAction } from "../action.ts";
import { call } from "../api.ts";
import { go, workUrl } from "../route.ts";
import { Failure } from "./notice.tsx";

/** A button that does it, and goes to the new work. */
export function Retry(
  { work, onDone }: {
    readonly work: Pick<WorkTrace, "session_id" | "work_sequence">;
    readonly onDone?: () => void;
  },
): VNode {
  const { busy, error, run } = useAction(async () => {
    const path = `/api${workUrl(work.session_id, work.work_sequence)}/retry`;
    const { sequence } = await call<RetriedWork>(path, { method: "POST" });
    onDone?.();
    go(workUrl(work.session_id, sequence));
  });
  return (
    <>
      <button type="button" disabled={busy} onClick={run}>Retry</button>
      <Failure error={error} />
    </>
  );
}

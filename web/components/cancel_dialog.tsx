/**
 * Asks whether to cancel a work item, does it, and shows the receipt.
 *
 * @module
 */
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { CancelledWork, WorkTrace } from "../../api/wire.ts";
import { useAction } from "../action.ts";
import { call } from "../api.ts";
import { line } from "../format.ts";
import { workUrl } from "../route.ts";
import { Failure } from "./notice.tsx";

/** What is to be cancelled. */
export type Cancellable =
  & Pick<WorkTrace, "work_sequence" | "session_id" | "id" | "agent_id">
  & { readonly state: string };

const MAX_REASON_CHARACTERS = 500;

/** The dialog. @param onClose When it is closed, whether or not it was cancelled. */
export function CancelDialog(
  { work, onClose }: { readonly work: Cancellable; readonly onClose: () => void },
): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const reason = useRef<HTMLInputElement>(null);
  const [receipt, setReceipt] = useState<CancelledWork>();
  const close = useRef<HTMLButtonElement>(null);
  // The button that was pressed is gone.
  useEffect(() => {
    if (receipt) close.current?.focus();
  }, [receipt]);
  const show = (element: HTMLDialogElement | null) => {
    dialog.current = element;
    if (element !== null && !element.open) element.showModal();
  };
  const { busy, error, run } = useAction(async () => {
    const query = new URLSearchParams({ reason: reason.current?.value ?? "" });
    const path = `/api${workUrl(work.session_id, work.work_sequence)}?${query}`;
    setReceipt(await call<CancelledWork>(path, { method: "DELETE" }));
  });
  const name = line(work.id ?? `work ${work.work_sequence}`, 60);
  return (
    <dialog ref={show} onClose={onClose} aria-labelledby="cancel-title">
      <h2 id="cancel-title">{receipt ? `${name} is cancelled` : `Cancel ${name}?`}</h2>
      {receipt ? <p role="status">{receiptText(receipt)}</p> : (
        <>
          <p>
            {work.state === "in_hand"
              ? `Agent ${work.agent_id} has it, and is told to stop if it can be told. What it has done is lost.`
              : "It is removed from the queue."} Anyone who waits for its result gets an error.
          </p>
          <label>
            Reason, optional
            <input ref={reason} maxLength={MAX_REASON_CHARACTERS} autocomplete="off" />
          </label>
        </>
      )}
      <Failure error={error} />
      <div class="buttons">
        {!receipt && (
          <button type="button" class="danger" disabled={busy} onClick={run}>
            Cancel the work
          </button>
        )}
        <button
          ref={close}
          type="button"
          class="quiet"
          onClick={() => dialog.current?.close()}
        >
          {receipt ? "Close" : "Keep it"}
        </button>
      </div>
    </dialog>
  );
}

/** Where it was, and who knows. */
function receiptText({ was, holder }: CancelledWork): string {
  if (holder === null) {
    return was === "waiting"
      ? "It was waiting, and is removed from the queue."
      : "An agent had it, but no relay says that it is told. A result of it is refused.";
  }
  const who = `Agent ${holder.agent_id} had it, attempt ${holder.attempt}`;
  if (holder.told) return `${who}, and is told to stop.`;
  return holder.away
    ? `${who}, but has lost its connection; its result is refused if it comes back with one.`
    : `${who}. It speaks the plain protocol and cannot be told to stop; its result is refused.`;
}

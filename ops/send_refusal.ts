/**
 * What JetStream's refusal of one work item means for the others that are sent with it.
 *
 * @module
 */
import type { PublishAck } from "@ourocodus/bus";
import { WORK_STREAM } from "@ourocodus/protocol";

/** The code of a refusal: JetStream is there, but cannot answer just now. */
const UNAVAILABLE = 503;
/**
 * Error codes of JetStream: the same message is being stored already, as when it was sent again
 * because its acknowledgement was slow; it has too much to store just now.
 */
const BUSY = [10158, 10167];
/** Error codes of JetStream: no space left in the stream, the account or the server. */
const FULL = [10002, 10023, 10028, 10047, 10077];

/** Whether the same message may be stored, or turn out to be, if it is sent again later. */
export function isPassing(ack: PublishAck & { readonly kind: "refused" }): boolean {
  return ack.code === UNAVAILABLE || BUSY.includes(ack.errorCode);
}

/** Why no further message would be stored either, if that is what was answered. */
export function refusesAll(ack: PublishAck): string | undefined {
  if (ack.kind === "stored") {
    if (ack.stream === WORK_STREAM) return undefined;
    return `it was stored in stream ${ack.stream} instead of ${WORK_STREAM}. Remove the subject ` +
      `from that stream`;
  }
  if (ack.kind !== "refused" || !FULL.includes(ack.errorCode)) return undefined;
  return `the work queue is full (${ack.reason}). Wait until agents have done some of it, or raise ` +
    `OUROCODUS_WORK_MAX_BYTES or the server's storage`;
}

/**
 * What JetStream's refusal of one piece of work means for the others that are sent with it.
 *
 * @module
 */
import type { PublishAck } from "./publish_ack.ts";
import { WORK_STREAM } from "./streams.ts";

/** The code of a refusal: JetStream is there, but cannot answer just now. */
export const UNAVAILABLE = 503;
/** Error codes of JetStream: no space left in the stream, the account or the server. */
const FULL = [10023, 10028, 10047, 10077];

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

/**
 * What JetStream answers to a publish.
 *
 * @module
 */
import type { Msg } from "@nats-io/nats-core";

/** JetStream error codes after which trying again cannot help: the message is too large for the stream. */
const PERMANENT = [10054];

/** What became of a publish. */
export type PublishAck =
  | { readonly kind: "stored" }
  | { readonly kind: "duplicate"; readonly sequence: number }
  | { readonly kind: "failed"; readonly reason: string; readonly permanent: boolean };

interface PubAck {
  readonly seq?: number;
  readonly duplicate?: boolean;
  readonly error?: { readonly err_code: number; readonly description: string };
}

/** Takes an acknowledgement apart. */
export function parsePublishAck(msg: Msg): PublishAck {
  if (msg.data.length === 0) {
    const status = msg.headers?.code === 503 ? "no stream takes it" : msg.headers?.status;
    return { kind: "failed", reason: status ?? "empty acknowledgement", permanent: false };
  }
  const ack = msg.json<PubAck>();
  if (ack.error) {
    const permanent = PERMANENT.includes(ack.error.err_code);
    return { kind: "failed", reason: ack.error.description, permanent };
  }
  return ack.duplicate ? { kind: "duplicate", sequence: ack.seq ?? 0 } : { kind: "stored" };
}

/**
 * Identities: of a work item, which is its outcome's too, and of its dead letter, as its `Nats-Msg-Id`.
 *
 * @module
 */

const DEAD = ".d";
/** Versions before marked the identity of an outcome whose `Nats-Msg-Id` somebody's work had taken. */
const OLD_MARKS = /~+$/;

/** The identity of a work item: `{sequence}.{time}`, the time in nanoseconds. */
export function workIdentity(
  { sequence, timeNs }: { readonly sequence: number; readonly timeNs: string },
): string {
  return `${sequence}.${timeNs}`;
}

/** The identity of a dead letter. @param work That of its work item. */
export function deadLetterId(work: string): string {
  return `${work}${DEAD}`;
}

/** The identity of the work item that a `Nats-Msg-Id` is of: a dead letter's, or an old outcome's. */
export function identifiedWork(messageId: string): string {
  const plain = messageId.replace(OLD_MARKS, "");
  return plain.endsWith(DEAD) ? plain.slice(0, -DEAD.length) : plain;
}

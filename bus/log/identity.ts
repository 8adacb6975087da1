/**
 * Identities of what is stored in the log once (`Nats-Msg-Id`): an outcome has its work's, see
 * `Lease.work`, a dead letter one made of it.
 *
 * Whoever sends work chooses its `Nats-Msg-Id`, and the server's copy of it in the log has the same.
 * So JetStream may take an outcome for a second one because of a message that is none. It is stored
 * under the same identity with a mark then, and so would be a second one, which is recognised by it.
 *
 * @module
 */

const MARK = "~";
const DEAD = ".d";

/** The identity of a piece of work, and of its outcome: `{sequence}.{time}`, the time in nanoseconds. */
export function workIdentity(
  { sequence, timeNs }: { readonly sequence: number; readonly timeNs: string },
): string {
  return `${sequence}.${timeNs}`;
}

/** The identity of a dead letter. @param work That of its work. */
export function deadLetterId(work: string): string {
  return `${work}${DEAD}`;
}

/** The identity of the work that an outcome or a dead letter is of. */
export function identifiedWork(identity: string): string {
  const plain = plainIdentity(identity);
  return plain.endsWith(DEAD) ? plain.slice(0, -DEAD.length) : plain;
}

/** The identity for what was taken for a second one, but is the first of its kind. */
export function markedIdentity(identity: string): string {
  return `${identity}${MARK}`;
}

/** An identity without marks. */
export function plainIdentity(identity: string): string {
  return identity.endsWith(MARK) ? identity.slice(0, identity.indexOf(MARK)) : identity;
}

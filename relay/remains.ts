/**
 * Remains: work that has its outcome and was acknowledged, but is still in the stream. A
 * nats-server that is killed may have written down what its consumer acknowledged, and not yet that
 * the message is gone. Nobody is given such work, until the role's consumer is made anew: then it
 * would be a first attempt again.
 *
 * @module
 */
import type { ConsumerInfo, JetStreamManager, StreamInfo } from "@nats-io/jetstream";
import { getLogger } from "@logtape/logtape";
import {
  type Connection,
  OutcomeLookup,
  readNextOf,
  roleOfConsumer,
  storedAtMs,
  type StoredMessage,
  workIdentity,
} from "@ourocodus/bus";
import { WORK_STREAM } from "@ourocodus/protocol";

const log = getLogger(["ourocodus", "relay"]);

/**
 * Removes remains from the work's stream.
 *
 * @param manager Of the connection's JetStream.
 * @param info The stream's, with the number of messages of each subject.
 * @throws {StreamError} If stream or log cannot be read.
 */
export async function removeRemains(
  connection: Connection,
  manager: JetStreamManager,
  info: StreamInfo,
): Promise<void> {
  const counts = info.state.subjects ?? {};
  for await (const consumer of manager.consumers.list(WORK_STREAM)) {
    const subject = consumer.config.filter_subject ?? "";
    // Read a moment later than the stream, so this is a hint. What is done rests on the log.
    const known = consumer.num_pending + consumer.num_ack_pending;
    if ((counts[subject] ?? 0) <= known) continue;
    await removeOf(connection, manager, consumer);
  }
}

async function removeOf(
  connection: Connection,
  manager: JetStreamManager,
  { name, config, ack_floor }: ConsumerInfo,
): Promise<void> {
  const owner = roleOfConsumer(name);
  const subject = config.filter_subject;
  if (owner === undefined || subject === undefined) return;
  const found: StoredMessage[] = [];
  for (let after = 0; after < ack_floor.stream_seq;) {
    const next = await readNextOf(connection, WORK_STREAM, subject, after);
    if (next === undefined || next.sequence > ack_floor.stream_seq) break;
    found.push(next);
    after = next.sequence;
  }
  const outcomes = new OutcomeLookup(connection);
  for (const stored of found) {
    const { sequence } = stored;
    const asked = { ...owner, work: workIdentity(stored), storedAtMs: storedAtMs(stored) };
    if (await outcomes.find(asked) === undefined) continue;
    // Another relay may be faster.
    const removed = await manager.streams.deleteMessage(WORK_STREAM, sequence, false)
      .catch(() => false);
    if (removed) log.info("answered work was still in its stream", { subject, seq: sequence });
  }
}

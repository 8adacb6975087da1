/**
 * The streams, as the version before the outcomes' own subjects made and filled them.
 *
 * @module
 */
import { DiscardPolicy, jetstreamManager, RetentionPolicy } from "@nats-io/jetstream";
import {
  ALL_RESULTS,
  LOG_STREAM,
  resultsSubject,
  WORK_COPIES,
  WORK_STREAM,
  WORK_SUBJECTS,
} from "@ourocodus/protocol";
import type { Connection } from "../connection.ts";
import { publishStored } from "../publish_ack.ts";

/** Makes them. */
export async function makeOldStreams(connection: Connection): Promise<void> {
  const { streams } = await jetstreamManager(connection.nats);
  const both = { allow_direct: true, duplicate_window: 120e9 };
  await streams.add({
    ...{ ...both, name: LOG_STREAM, discard: DiscardPolicy.Old, max_age: 7 * 86_400e9 },
    subjects: [ALL_RESULTS, "sessions.*.events", "sessions.*.dead.*", "sessions.*.stored.*"],
  });
  await streams.add({
    ...{ ...both, name: WORK_STREAM, subjects: [WORK_SUBJECTS], republish: WORK_COPIES },
    ...{ retention: RetentionPolicy.Workqueue, discard: DiscardPolicy.New },
  });
}

/** Stores the outcome of work of session `s` and role `r`. @param work Its identity. */
export async function storeOldOutcome(
  connection: Connection,
  work: string,
  text = '{"id":"1","type":"result","payload":{}}',
): Promise<void> {
  await publishStored(connection, resultsSubject("s", "r"), text, {
    headers: { "Nats-Msg-Id": work, "Ourocodus-Attempt": "2" },
    stream: LOG_STREAM,
    timeoutMs: 5_000,
  });
}

/**
 * NATS: the connection, the streams, the queue that hands out work, and the log that keeps what came
 * of it.
 *
 * @module
 */
export { askMany } from "./ask_many.ts";
export { chunks } from "./chunks.ts";
export { type ClusterWatchOptions, watchCluster } from "./cluster_watch.ts";
export { connect, Connection, type ConnectOptions } from "./connection.ts";
export { changeSetting, followSettings, type KeptSetting, keptSettings } from "./kept_settings.ts";
export { LeaseExchange } from "./lease_exchange.ts";
export { deadLetterId, workIdentity } from "./log/identity.ts";
export { FENCE, type LogEntry, type Stored } from "./log/log_entry.ts";
export { lastLogSequence, logBounds, readLog } from "./log/log_reader.ts";
export type { LogRecord } from "./log/log_record.ts";
export { readStream, type StreamRecord } from "./log/stream_reader.ts";
export type { ReadOptions } from "./log/stream_view.ts";
export { LogWriter } from "./log/log_writer.ts";
export { type AcceptedOutcome, type AskedOutcome, OutcomeLookup } from "./log/outcome_lookup.ts";
export { ConnectError, PublishError, StreamError } from "./nats_errors.ts";
export { NATS_SETTINGS, natsSettings } from "./nats_settings.ts";
export { Publications } from "./publications.ts";
export { parsePublishAck, type PublishAck, publishStored } from "./publish_ack.ts";
export { readRule, ruleId, type RulePlace } from "./question_rules.ts";
export { Acknowledger } from "./queue/acknowledger.ts";
export { consumerName, roleOfConsumer } from "./queue/role_consumer.ts";
export { type Delivery, RoleQueue } from "./queue/role_queue.ts";
export { WorkQueue, type WorkQueueOptions } from "./queue/work_queue.ts";
export {
  readLastOf,
  readNextOf,
  readStored,
  readSurelyLastOf,
  readSurelyNextOf,
  storedAtMs,
  type StoredMessage,
} from "./stored_message.ts";
export {
  ensureStreams,
  STREAM_SETTINGS,
  type StreamLimits,
  type Streams,
  streamSettings,
} from "./streams.ts";
export { TurnoverMap } from "./turnover_map.ts";

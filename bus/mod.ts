/**
 * All that knows NATS: messages, subjects, streams, the work queue, the log, and the wire format
 * that relays and agents share.
 *
 * @module
 */
export * from "./acknowledger.ts";
export * from "./agent_stop.ts";
export * from "./cancel_notice.ts";
export * from "./chunks.ts";
export * from "./close_codes.ts";
export * from "./cluster_watch.ts";
export * from "./connection.ts";
export * from "./dead_letters.ts";
export * from "./diff_lines.ts";
export * from "./errors.ts";
export * from "./events.ts";
export * from "./frames.ts";
export { deadLetterId, plainIdentity, workIdentity } from "./identity.ts";
export * from "./lease.ts";
export * from "./lease_exchange.ts";
export type { LogEntry, Stored } from "./log_entry.ts";
export * from "./log_headers.ts";
export * from "./log_item.ts";
export * from "./log_reader.ts";
export type { LogRecord, WorkPlace } from "./log_record.ts";
export * from "./log_writer.ts";
export * from "./logging.ts";
export * from "./message.ts";
export * from "./nats_errors.ts";
export * from "./nats_settings.ts";
export * from "./outcome_counts.ts";
export { type AcceptedOutcome, OutcomeLookup } from "./outcome_lookup.ts";
export * from "./parse_work.ts";
export * from "./pending_work.ts";
export { type Work, workMessageId } from "./prepare_work.ts";
export { byteLength, Publications } from "./publications.ts";
export * from "./relay_agents.ts";
export * from "./relay_directory.ts";
export * from "./relay_errors.ts";
export * from "./result_text.ts";
export * from "./role_queue.ts";
export * from "./semaphore.ts";
export * from "./send_options.ts";
export * from "./send_work.ts";
export * from "./session_summaries.ts";
export * from "./settings.ts";
export * from "./stop_agent.ts";
export * from "./stop_signal.ts";
export { readNextOf, readStored, type StoredMessage } from "./stored_message.ts";
export * from "./stream_numbers.ts";
export * from "./streams.ts";
export * from "./strip_lease.ts";
export * from "./subjects.ts";
export type { WorkQuery } from "./trace_records.ts";
export { isUnfinished } from "./trace_state.ts";
export * from "./turnover_map.ts";
export { bytesBeyond } from "./utf8.ts";
export * from "./version.ts";
export * from "./work_cancel.ts";
export * from "./work_payload.ts";
export * from "./work_queue.ts";
export * from "./work_trace.ts";
export * from "./work_trace_types.ts";

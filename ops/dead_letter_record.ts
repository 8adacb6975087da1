/**
 * Reading dead letters as the log holds them.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { LOG_HEADER, parseMessage } from "@ourocodus/protocol";
import type { DeadLetter, DeadLetterSummary } from "./work_trace_types.ts";

/** Of what is no message, as much is shown, in characters. */
const MAX_TEXT_CHARACTERS = 65_536;

/**
 * Why and when the work is dead.
 *
 * @param retriedAs The sequence as which it was sent again.
 */
export function deadLetterSummary(
  record: LogRecord,
  retriedAs: number | undefined,
): DeadLetterSummary {
  return {
    sequence: record.sequence,
    time: record.time.toISOString(),
    reason: record.header(LOG_HEADER.reason) ?? "unknown",
    error: record.header(LOG_HEADER.error) ?? "",
    attempts: Number(record.header(LOG_HEADER.attempts)) || 0,
    cut_from_bytes: Number(record.header(LOG_HEADER.cut)) || null,
    requeued_as: retriedAs ?? null,
  };
}

/** The dead letter, whole. @param retriedAs The sequence as which it was sent again. */
export function deadLetter(record: LogRecord, retriedAs: number | undefined): DeadLetter {
  const parsed = parseMessage(record.text);
  const { id, type, payload } = parsed.kind === "ok"
    ? parsed.message
    : { id: null, type: null, payload: null };
  return {
    ...deadLetterSummary(record, retriedAs),
    session_id: record.session,
    role: record.role ?? "",
    work_sequence: record.work?.sequence ?? 0,
    ...{ id, type, payload },
    text: parsed.kind === "ok" ? null : record.text.slice(0, MAX_TEXT_CHARACTERS),
  };
}

/**
 * Records of the log as JSON, in one form for the API, its event stream and the command line: the
 * message's own fields, then ours, which win.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import { LOG_HEADER, type Message, parseMessage } from "@ourocodus/protocol";
import type { LogItem, WorkOutcome } from "./work_trace_types.ts";

/** Of what is no message, as much is shown, in characters. */
const MAX_TEXT_CHARACTERS = 65_536;

const KIND = { events: "event", results: "result", dead: "dead", stored: "work" } as const;

/** A record as an object. */
export function logItem(record: LogRecord): LogItem {
  const parsed = parseMessage(record.text);
  return parsed.kind === "ok"
    ? { ...parsed.message, ...fieldsOf(record) }
    : { ...noMessage(record), ...fieldsOf(record) };
}

/** A record as one line of JSON, and its message if it is one. */
export interface LogLine {
  /** The message's own text where it is one: numbers of any size in it stay as they are. */
  readonly json: string;
  readonly message: Message | undefined;
}

/** A record as one line of JSON. */
export function logLine(record: LogRecord): LogLine {
  const parsed = parseMessage(record.text);
  const ours = fieldsOf(record);
  if (parsed.kind === "invalid") {
    return { json: JSON.stringify({ ...noMessage(record), ...ours }), message: undefined };
  }
  // A line break can stand between JSON's tokens only, where a space means the same.
  const line = record.text.replaceAll(/[\r\n]/g, " ");
  const json = `${line.slice(0, line.lastIndexOf("}"))},${JSON.stringify(ours).slice(1)}`;
  return { json, message: parsed.message };
}

/** What a stored result made of its work: the stream's mark says it, whatever the text says. */
export function outcomeOf({ header, text }: Pick<LogRecord, "header" | "text">): WorkOutcome {
  const marked = header(LOG_HEADER.outcome);
  if (marked === "dead" || marked === "cancelled") return marked;
  if (marked !== undefined) return "failed";
  return parseMessage(text).kind === "invalid" ? "failed" : "done";
}

function noMessage({ text }: LogRecord): Pick<LogItem, "id" | "type" | "payload" | "text"> {
  return { id: null, type: null, payload: null, text: text.slice(0, MAX_TEXT_CHARACTERS) };
}

type OurFields = Pick<
  LogItem,
  "sequence" | "time" | "kind" | "session_id" | "role" | "work_sequence" | "outcome"
>;

function fieldsOf(record: LogRecord): OurFields {
  const { sequence, time, kind, session, role, work } = record;
  return {
    sequence,
    time: time.toISOString(),
    kind: KIND[kind],
    session_id: session,
    ...(role !== undefined && { role }),
    ...(work !== undefined && { work_sequence: work.sequence }),
    ...(kind === "results" && { outcome: outcomeOf(record) }),
  };
}

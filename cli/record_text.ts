/**
 * Records of the log as text: as a line of JSON, or for people.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import {
  errorHeadline,
  isObject,
  type Message,
  parseMessage,
  REPORT_TYPES,
  resultHeadline,
  resultsSubject,
  singleLine,
} from "@ourocodus/protocol";
import { harmless, harmlessJson, localTime, type Paint, span } from "./terminal_text.ts";

/**
 * A record as one line of JSON:
 * `{"sequence","time","subject","session","role","work","message"}`. `role` and `work` (the
 * work item's sequence) are there if they are known. `message` is the published text, unchanged;
 * if that is no JSON, it is `text`.
 */
export function recordJson(record: LogRecord): string {
  const { sequence, time, session, role, work } = record;
  const envelope = JSON.stringify({
    sequence,
    time: time.toISOString(),
    subject: subjectOf(record),
    session,
    role,
    work: work?.sequence,
  });
  return harmlessJson(`${envelope.slice(0, -1)},${contentJson(record.text)}}`);
}

/** Where subscribers hear it. */
function subjectOf({ kind, subject, session, role }: LogRecord): string {
  return kind === "results" && role !== undefined ? resultsSubject(session, role) : subject;
}

/** The member `"message":…`, or `"text":…` if the text is no JSON. */
function contentJson(text: string): string {
  // The text itself: parsing and formatting it would change large numbers.
  return isJson(text)
    ? `"message":${singleLine(text.replaceAll("\r", " "))}`
    : `"text":${JSON.stringify(text)}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a result says that the work failed for good. */
export function isErrorResult(record: LogRecord): boolean {
  const parsed = parseMessage(record.text);
  return parsed.kind === "ok" && parsed.message.type === "error";
}

/** Milliseconds from when the work was stored to its result, if the record tells. */
export function workDurationMs({ time, work }: LogRecord): number | undefined {
  const took = work === undefined ? NaN : time.getTime() - work.storedAt.getTime();
  return took >= 0 ? took : undefined;
}

/** Characters of a result's text that are shown in a line. */
const SHOWN_TEXT = 200;
/** Characters of an id that are shown: the sequence before it identifies the work item. */
const SHOWN_ID = 16;

/**
 * A result in one line for people: its time, ✓ or ✗, the role, the work item's sequence and id, how
 * long it took, and the first line of its text.
 */
export function resultLine(record: LogRecord, paint: Paint): string {
  const parsed = parseMessage(record.text);
  const tookMs = workDurationMs(record);
  const took = tookMs === undefined ? "" : `${paint.dim(span(tookMs))} `;
  const sequence = record.work === undefined ? "" : `${paint.dim(`#${record.work.sequence}`)} `;
  const line = (mark: string, id: string, text: string) =>
    `${paint.dim(localTime(record.time))} ${mark} ${paint.cyan(record.role ?? "")} ` +
    `${sequence}${id}${took}${harmless(cut(text, SHOWN_TEXT))}`.trimEnd();
  if (parsed.kind === "invalid") return line(paint.yellow("?"), "", record.text);
  const { id, type, payload } = parsed.message;
  const failed = type === "error";
  const name = `${paint.bold(harmless(cut(id, SHOWN_ID)))} `;
  const kind = failed || type === "result" ? "" : `${paint.bold(harmless(type))} `;
  return line(
    failed ? paint.red("✗") : paint.green("✓"),
    kind + name,
    failed ? errorHeadline(payload) : resultHeadline(payload),
  );
}

function cut(text: string, characters: number): string {
  return text.length > characters ? `${text.slice(0, characters - 1)}…` : text;
}

/** An event in one line for people, or in one per work item that it is about. */
export function eventLines(
  record: LogRecord,
  paint: Paint,
  options: { readonly withSession: boolean },
): string {
  const session = options.withSession ? `${paint.cyan(record.session)} ` : "";
  const head = `${paint.dim(localTime(record.time))} ${session}`;
  const parsed = parseMessage(record.text);
  if (parsed.kind === "invalid") return `${head}${paint.yellow("?")} ${harmless(record.text)}`;
  const { type, payload } = parsed.message;
  const name = eventPaint(type, paint)(harmless(type).padEnd(18));
  return eventDetails(parsed.message)
    .map((detail) => `${head}${name} ${harmless(detail)}`)
    .join("\n") || `${head}${name} ${harmless(JSON.stringify(payload))}`;
}

const RED = ["work.dead", "agent.disconnected", "agent.suspended"];

function eventPaint(type: string, paint: Paint): (text: string) => string {
  if (RED.includes(type)) return paint.red;
  if (type === "agent.connected" || type === "agent.resumed") return paint.green;
  if (REPORT_TYPES.includes(type) || type === "work.offered") return paint.blue;
  return paint.yellow;
}

type Fields = Readonly<Record<string, unknown>>;

/** An agent's report names its work item next to the payload, other events about work in it. */
function eventDetails({ id, type, payload, ...more }: Message): string[] {
  const { work } = more as { readonly work?: unknown };
  if (isObject(work)) return [`${workDetail({ ...work, id })} ${reportText(payload)}`];
  if (Array.isArray(payload.work)) return payload.work.filter(isObject).map(workDetail);
  return type.startsWith("agent.") ? [agentDetail(payload)] : [];
}

/** A report in one line: its message and its other fields; without a message, all as JSON. */
export function reportText(payload: Fields): string {
  const { message, updates: _, ...rest } = payload;
  if (typeof message !== "string") return JSON.stringify(payload);
  return [message, ...listed(rest)].join(" ");
}

function agentDetail(agent: Fields): string {
  const { agent_id, role, protocol, relay_id, code, reason, ...rest } = agent;
  const details = { role, protocol, relay: relay_id, code, reason, ...rest };
  return [String(agent_id ?? "?"), ...listed(details)].join(" ");
}

function workDetail(work: Fields): string {
  const { seq, id, role, attempt, agent_id, ...rest } = work;
  const number = seq === undefined ? [] : [`#${seq}`];
  return [...number, String(id ?? "?"), ...listed({ role, attempt, agent: agent_id, ...rest })]
    .join(" ");
}

function listed(fields: Fields): string[] {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && value !== "")
    .map(([name, value]) =>
      `${name}=${typeof value === "string" && !value.includes(" ") ? value : JSON.stringify(value)}`
    );
}

/**
 * Waiting for the results of work that was sent, and saying where the work is if they don't come.
 * A result is matched by its work's sequence, because ids may be reused.
 *
 * @module
 */
import { type Connection, type LogRecord, readLog, readStored } from "@ourocodus/bus";
import type { SentWork, WorkTarget } from "@ourocodus/ops";
import {
  eventsSubject,
  isObject,
  outcomeSubjects,
  parseMessage,
  REPORT_TYPES,
  WORK_STREAM,
} from "@ourocodus/protocol";
import { connectedAgents, nobodyThere } from "./sending.ts";
import { harmless, localTime } from "./terminal_text.ts";

/** Where to begin in the log. */
export type Beginning = { readonly fromSequence: number } | { readonly since: Date };

/**
 * How far back to look for the result of work that was sent before. The server detects duplicates
 * for two minutes; the rest allows for clocks that differ and longer windows.
 */
const LOOK_BACK_MS = 3_600_000;

/**
 * Where results must be if there are any.
 *
 * @param logEnd The log's newest sequence, from before the work was sent.
 * @param duplicate Whether the work had been sent before.
 */
export function beginningFor(logEnd: number, duplicate: boolean): Beginning {
  return duplicate ? { since: new Date(Date.now() - LOOK_BACK_MS) } : { fromSequence: logEnd + 1 };
}

/** What to wait for. */
export interface WaitOptions {
  /** The work's sequences; those with a result are removed. */
  readonly sequences: Set<number>;
  readonly beginning: Beginning;
  /** The longest wait for a (further) result, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Results as they come. Ends with the last one, by the timeout, or by the signal. */
export async function* waitForResults(
  connection: Connection,
  { session, role }: WorkTarget,
  { sequences, beginning, timeoutMs, signal }: WaitOptions,
): AsyncGenerator<LogRecord> {
  if (sequences.size === 0) return;
  const expired = new AbortController();
  let timer = setTimeout(() => expired.abort(), timeoutMs);
  try {
    const records = readLog(connection, outcomeSubjects(session, role), {
      ...beginning,
      follow: true,
      signal: AbortSignal.any([signal, expired.signal]),
    });
    for await (const record of records) {
      if (record.work === undefined || !sequences.delete(record.work.sequence)) continue;
      yield record;
      if (sequences.size === 0) return;
      clearTimeout(timer);
      timer = setTimeout(() => expired.abort(), timeoutMs);
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Says that a work item is stored, and where. */
export function storedText({ id, sequence }: SentWork): string {
  return `${harmless(id)} is stored with sequence ${sequence}`;
}

/** A work item that has no result yet. */
export interface Waiting {
  readonly sent: SentWork;
  /** The log's newest sequence, from before it was sent. */
  readonly logEnd: number;
  readonly signal: AbortSignal;
}

/** Says in one line where a work item is, as far as is known. */
export async function whatIsKnown(
  connection: Connection,
  target: WorkTarget,
  { sent, logEnd, signal }: Waiting,
): Promise<string> {
  const [stored, connected, last] = await Promise.all([
    readStored(connection, WORK_STREAM, sent.sequence).catch(() => "unknown" as const),
    connectedAgents(connection, target, signal),
    lastEvent(connection, target, { sent, logEnd, signal }),
  ]);
  const where = stored === "unknown"
    ? "it is not known whether it is still in the queue"
    : stored === undefined
    ? "it has left the queue"
    : last?.isRunning
    ? "it is running"
    : "it waits in the queue";
  return [
    storedText(sent),
    where,
    nobodyThere(connected, target) ?? `${connected.agents} connected for it`,
    ...(last === undefined ? [] : [`last event: ${last.text}`]),
  ].join("; ");
}

/** After these events the work is running. */
const RUNNING = ["work.offered", "work.redelivered", ...REPORT_TYPES];

async function lastEvent(
  connection: Connection,
  { session }: WorkTarget,
  { sent, logEnd, signal }: Waiting,
): Promise<{ text: string; isRunning: boolean } | undefined> {
  let last: { text: string; isRunning: boolean } | undefined;
  const beginning = beginningFor(logEnd, sent.duplicate);
  for await (
    const record of readLog(connection, eventsSubject(session), { ...beginning, signal })
  ) {
    const parsed = parseMessage(record.text);
    if (parsed.kind === "invalid") continue;
    const { type, payload } = parsed.message;
    const { work: reported } = parsed.message as unknown as { work?: unknown };
    const list = Array.isArray(payload.work) ? payload.work : [reported];
    const work = list.filter(isObject).find(({ seq }) => seq === sent.sequence);
    if (work === undefined) continue;
    const attempt = typeof work.attempt === "number" ? `, attempt ${work.attempt}` : "";
    const agent = typeof work.agent_id === "string" ? `, agent ${work.agent_id}` : "";
    const reason = typeof work.reason === "string" ? `, ${work.reason}` : "";
    last = {
      text: harmless(`${type}${attempt}${agent}${reason}, ${localTime(record.time)}`),
      isRunning: RUNNING.includes(type),
    };
  }
  return last;
}

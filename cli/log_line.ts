/**
 * Lines of logs for people to read: JSON records of our programs as text, everything else as it is.
 *
 * @module
 */
import { isObject } from "@ourocodus/protocol";
import { harmless, type Paint } from "./terminal_text.ts";

/** A line as it is shown; nothing in it can do harm to a terminal. */
export function readableLogLine(line: string, colors: Paint): string {
  const record = parseRecord(line);
  if (record === undefined) return harmless(line);
  const { "@timestamp": time, level, message, logger: _, ...fields } = record;
  const name = String(level);
  const color = name === "ERROR" || name === "FATAL"
    ? colors.red
    : name.startsWith("WARN")
    ? colors.yellow
    : colors.green;
  const more = Object.entries(fields).map(([key, value]) => `${key}=${valueText(value)}`).join(" ");
  const text = `${time} ${color(name.padEnd(5))} ${harmless(String(message))}`;
  return more === "" ? text : `${text} ${colors.dim(harmless(more))}`;
}

/**
 * When a line was written, in milliseconds since 1970.
 *
 * @returns Undefined if it does not say.
 */
export function logLineTime(line: string): number | undefined {
  const record = parseRecord(line);
  const text = record === undefined
    ? /^\d{4}-\d\d-\d\dT[\d:.]+Z/.exec(line)?.[0]
    : String(record["@timestamp"]);
  // nats-server's: [pid] 2026/11/23 19:33:40.123456 [INF] …, in local time.
  const nats = /^\[\d+\] (\d{4})\/(\d\d)\/(\d\d) ([\d:]+\.\d{1,3})/.exec(line);
  const time = nats ? `${nats[1]}-${nats[2]}-${nats[3]}T${nats[4]}` : text;
  const milliseconds = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(milliseconds) ? undefined : milliseconds;
}

function parseRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const record: unknown = JSON.parse(line);
    return isObject(record) && typeof record["@timestamp"] === "string" ? record : undefined;
  } catch {
    return undefined;
  }
}

function valueText(value: unknown): string {
  return typeof value === "string" && /^\S+$/.test(value) ? value : JSON.stringify(value);
}

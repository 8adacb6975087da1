/**
 * The common part of `tail results` and `tail events`: where to begin, and following.
 *
 * @module
 */
import { type Connection, lastLogSequence, type LogRecord, readLog } from "@ourocodus/bus";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { countFlag, durationFlag } from "./flag_values.ts";
import { connectToLog } from "./nats.ts";

/** Flags of both, for commander. */
export const LAST_FLAG = [
  "-n, --last <count>",
  "how many to begin with (default: 10, with --since all)",
] as const;
export const SINCE_FLAG = [
  "--since <duration>",
  "begin with those of the last 30s, 10m, 1h, 7d, …",
] as const;
export const NO_FOLLOW_FLAG = ["--no-follow", "print those that are there, and end"] as const;

/** The same as values. */
export interface TailFlags {
  readonly last?: string;
  readonly since?: string;
  readonly follow: boolean;
  readonly json?: true;
  readonly nats?: string;
}

/** What to read, and how to print it. */
export interface Tail {
  readonly subject: string | readonly string[];
  /** Which records to print; all by default. */
  readonly matches?: (record: LogRecord) => boolean;
  /** A record as text, without the line's end. */
  readonly format: (record: LogRecord) => string;
}

const DEFAULT_LAST = 10;

/**
 * Prints the last records and follows.
 *
 * @throws {UsageError} If a flag has a value that cannot be used.
 */
export async function tailLog(flags: TailFlags, tail: Tail, console: Console): Promise<ExitCode> {
  const sinceMs = flags.since === undefined ? undefined : durationFlag("--since", flags.since);
  const last = flags.last !== undefined
    ? countFlag("--last", flags.last)
    : sinceMs === undefined
    ? DEFAULT_LAST
    : undefined;
  const since = sinceMs === undefined ? undefined : new Date(Date.now() - sinceMs);
  await using connection = await connectToLog(console, { nats: flags.nats, announce: true });
  for await (const record of records(connection, tail, { last, since, flags, console })) {
    await console.out.write(`${tail.format(record)}\n`);
  }
  return EXIT.ok;
}

interface Beginning {
  readonly last: number | undefined;
  readonly since: Date | undefined;
  readonly flags: TailFlags;
  readonly console: Console;
}

async function* records(
  connection: Connection,
  tail: Tail,
  { last, since, flags, console }: Beginning,
): AsyncGenerator<LogRecord> {
  const { signal } = console;
  const { subject, matches = () => true } = tail;
  const { follow } = flags;
  if (tail.matches === undefined || last === undefined) {
    yield* filtered(readLog(connection, subject, { last, since, follow, signal }), matches);
    return;
  }
  // The log cannot filter: the last matching records are looked for from its end.
  const found = await lastMatching(connection, { ...tail, matches }, { last, since, signal });
  yield* found.records;
  if (!follow) return;
  const fromSequence = found.end + 1;
  yield* filtered(readLog(connection, subject, { fromSequence, follow, signal }), matches);
}

async function* filtered(
  records: AsyncIterable<LogRecord>,
  matches: (record: LogRecord) => boolean,
): AsyncGenerator<LogRecord> {
  for await (const record of records) {
    if (matches(record)) yield record;
  }
}

interface Range {
  readonly last: number;
  readonly since: Date | undefined;
  readonly signal: AbortSignal;
}

/** Records that are read at first per record that is wanted, and the factor for each next try. */
const DEPTH_FACTOR = 10;

/** The last records that match; `end` is the sequence of the last one read. */
async function lastMatching(
  connection: Connection,
  tail: Required<Tail>,
  { last, since, signal }: Range,
): Promise<{ records: LogRecord[]; end: number }> {
  let end = await lastLogSequence(connection);
  for (let depth = last * DEPTH_FACTOR;; depth *= DEPTH_FACTOR) {
    const records: LogRecord[] = [];
    let read = 0;
    for await (const record of readLog(connection, tail.subject, { last: depth, since, signal })) {
      read++;
      end = Math.max(end, record.sequence);
      if (tail.matches(record)) records.push(record);
      if (records.length > last) records.shift();
    }
    if (records.length >= last || read < depth || signal.aborted) return { records, end };
  }
}

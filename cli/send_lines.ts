/**
 * Sending work in bulk: one work item per line of a file or of standard input.
 *
 * @module
 */
import { type Connection, PublishError, streamSettings } from "@ourocodus/bus";
import {
  fingerprint,
  type KnownWork,
  sendAllWork,
  type SendSummary,
  takenIds,
} from "@ourocodus/ops";
import { messageOf } from "@ourocodus/protocol";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { type HeedlessConsole, isLost } from "./heedless_console.ts";
import { type Input, openInput } from "./input_file.ts";
import { ensureLog } from "./nats.ts";
import { ProgressBar } from "./progress_bar.ts";
import { isErrorResult, recordJson, resultLine } from "./record_text.ts";
import { connectedAgents, type Sending, tellNobodyThere } from "./sending.ts";
import { count, harmless, paint, span } from "./terminal_text.ts";
import { beginningFor, waitForResults } from "./wait_for_results.ts";
import { type LineWork, workLines } from "./work_lines.ts";

/** The work that was sent. */
interface Sent {
  readonly summary: SendSummary;
  /** How many lines were no work. */
  readonly bad: number;
  /** The last line that was read. */
  readonly lastLine: number;
  /** The highest sequence of stored work; 0 if nothing is stored. */
  readonly lastSequence: number;
  /** With --wait: lines by their work's sequence. */
  readonly lines: Map<number, number>;
  readonly tookMs: number;
}

/** A line whose id the server knew. */
interface KnownLine extends KnownWork {
  readonly line: number;
}

/** The results that came. */
interface Results {
  readonly results: number;
  readonly errors: number;
  readonly missing: number;
}

/**
 * Sends the lines, prints the counts, and with --wait the results. All lines are sent even when
 * nobody reads the output any more.
 *
 * @param file A path, or `-` for standard input.
 * @throws {UsageError} If the file cannot be read.
 */
export async function sendLines(
  connection: Connection,
  file: string,
  sending: Sending,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const input = await openInput(file, { flag: "--file", console });
  const logEnd = sending.waitMs === undefined ? 0 : await ensureLog(console, connection);
  const sent = await sendInput(connection, input, sending, console);
  const stopped = sent.summary.stopped;
  if (!sending.json) await printSummary(sent, console);
  if (stopped !== undefined) await printStopped(sent, stopped, console);
  let results: Results | undefined;
  if (!console.signal.aborted && sent.lines.size > 0) {
    results = await printResults(connection, { sent, logEnd }, sending, console);
  } else if (sending.waitMs === undefined && stopped === undefined && !sending.json) {
    await printConnected(connection, sent, sending, console);
  }
  if (sending.json) await console.out.write(`${summaryJson(sent, results)}\n`);
  else if (results !== undefined) await printResultCounts(results, sending, console);
  if (await isLost(console)) await console.err.write(`${lostText(sent)}\n`);
  if (console.signal.aborted) return EXIT.interrupted;
  const { failed, unconfirmed } = sent.summary;
  if (results !== undefined && results.missing > 0 && !console.unheard.aborted) return EXIT.timeout;
  const bad = sent.bad + failed + unconfirmed + (results?.errors ?? 0);
  return bad > 0 || stopped !== undefined ? EXIT.failed : EXIT.ok;
}

async function sendInput(
  connection: Connection,
  input: Input,
  sending: Sending,
  console: Console,
): Promise<Sent> {
  const { session, role, waitMs } = sending;
  const lines = new Map<number, number>();
  const known: KnownLine[] = [];
  let [bad, stored, bytesRead, lastLine, lastSequence] = [0, 0, 0, 0, 0];
  const began = performance.now();
  const bar = new ProgressBar(console.err, () => ({
    label: "stored",
    done: stored,
    ...(input.size !== undefined && { part: bytesRead / Math.max(1, input.size) }),
  }));
  const complain = (line: number, reason: string) => {
    bar.clear();
    console.err.write(`line ${line}: ${harmless(reason)}\n`).catch(() => {});
  };
  const chunks = counted(input.chunks, (bytes) => bytesRead += bytes);
  const work = workLines(chunks, {
    target: { session, role },
    maxBytes: connection.maxPayloadBytes,
    onBadLine: (line, reason) => {
      bad++;
      complain(line, reason);
    },
  });
  try {
    const summary = await sendAllWork<LineWork>(connection, work, {
      limits: streamSettings(console.env),
      signal: console.signal,
      onSent: ({ line, id, text }, { sequence, duplicate, known: isKnown }) => {
        if (!duplicate) stored++;
        lastLine = Math.max(lastLine, line);
        lastSequence = Math.max(lastSequence, sequence);
        if (isKnown) known.push({ id, sequence, fingerprint: fingerprint(text), line, duplicate });
        else if (waitMs !== undefined) lines.set(sequence, line);
      },
      onFailed: ({ line }, error) => complain(line, error.message),
    });
    const taken = await takenLines(connection, known, sending, console);
    for (const [{ line }, reason] of taken) complain(line, reason);
    for (const one of known) {
      if (waitMs === undefined || taken.has(one) || lines.has(one.sequence)) continue;
      lines.set(one.sequence, one.line);
    }
    const tookMs = performance.now() - began;
    return { summary: without(taken.keys(), summary), bad, lastLine, lastSequence, lines, tookMs };
  } finally {
    bar.end();
  }
}

/** The lines whose ids are taken, with why; if that cannot be told, all of them. */
async function takenLines(
  connection: Connection,
  known: readonly KnownLine[],
  target: Sending,
  { signal }: Console,
): Promise<Map<KnownLine, string>> {
  if (signal.aborted) return new Map();
  try {
    const taken = await takenIds(connection, target, known, { signal });
    return new Map([...taken].map(([line, { message }]) => [line, message]));
  } catch (error) {
    return new Map(
      known.map((line) => [line, `id ${line.id} was used before: ${messageOf(error)}`]),
    );
  }
}

/** The counts, with these lines as refused. */
function without(lines: Iterable<KnownLine>, summary: SendSummary): SendSummary {
  let { stored, duplicates, failed } = summary;
  for (const { duplicate } of lines) {
    failed++;
    if (duplicate) duplicates--;
    else stored--;
  }
  return { ...summary, stored, duplicates, failed };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onBytes(chunk.length);
    yield chunk;
  }
}

async function printSummary(sent: Sent, console: Console): Promise<void> {
  const { green, yellow, dim } = paint(console.out.hasColor);
  const { summary: { failed, unconfirmed, stopped }, bad, tookMs } = sent;
  const clean = bad + failed + unconfirmed === 0 && stopped === undefined;
  const mark = clean ? green("✓") : yellow("!");
  await console.out.write(`${mark} ${countsText(sent)} ${dim(`in ${span(tookMs)}`)}\n`);
}

function countsText({ summary, bad }: Sent): string {
  const { stored, duplicates, failed, unconfirmed } = summary;
  return [
    `${count(stored)} stored`,
    ...(duplicates > 0 ? [`${count(duplicates)} stored already`] : []),
    ...(bad + failed > 0 ? [`${count(bad + failed)} not sent`] : []),
    ...(unconfirmed > 0 ? [`${count(unconfirmed)} unconfirmed`] : []),
  ].join(", ");
}

/** The counts, when standard output could not be written. */
function lostText(sent: Sent): string {
  const { lastLine, lastSequence } = sent;
  const last = `line ${
    count(lastLine)
  } is the last that is stored, highest sequence ${lastSequence}`;
  return `${countsText(sent)}${lastLine === 0 ? "" : `; ${last}`}`;
}

async function printStopped(sent: Sent, stopped: Error, console: Console): Promise<void> {
  const after = sent.lastLine === 0
    ? "before the first line was stored"
    : `line ${count(sent.lastLine)} is the last that is stored`;
  const why = console.signal.aborted
    ? "interrupted"
    : `error: ${
      stopped instanceof PublishError ? stopped.message : `cannot read on: ${messageOf(stopped)}`
    }`;
  await console.err.write(`${why}; ${after}\n`);
}

async function printConnected(
  connection: Connection,
  { summary }: Sent,
  sending: Sending,
  console: Console,
): Promise<void> {
  if (summary.stored === 0) return;
  const connected = await connectedAgents(connection, sending, console.signal);
  await tellNobodyThere(connected, sending, console);
}

async function printResults(
  connection: Connection,
  { sent, logEnd }: { readonly sent: Sent; readonly logEnd: number },
  sending: Sending,
  console: HeedlessConsole,
): Promise<Results> {
  const sequences = new Set(sent.lines.keys());
  const colors = paint(console.out.hasColor);
  let [results, errors] = [0, 0];
  const bar = new ProgressBar(console.err, () => ({
    label: "results",
    done: results,
    part: results / sent.lines.size,
  }));
  try {
    for await (
      const record of waitForResults(connection, sending, {
        sequences,
        beginning: beginningFor(logEnd, sent.summary.duplicates > 0),
        timeoutMs: sending.waitMs ?? 0,
        signal: AbortSignal.any([console.signal, console.unheard]),
      })
    ) {
      results++;
      if (isErrorResult(record)) errors++;
      const line = sent.lines.get(record.work?.sequence ?? 0);
      bar.clear();
      await console.out.write(
        sending.json
          ? `{"line":${line},${recordJson(record).slice(1)}\n`
          : `${resultLine(record, colors)}\n`,
      );
    }
  } finally {
    bar.end();
  }
  return { results, errors, missing: sequences.size };
}

async function printResultCounts(
  { results, errors, missing }: Results,
  { waitMs = 0 }: Sending,
  console: HeedlessConsole,
): Promise<void> {
  const { green, red, yellow } = paint(console.out.hasColor);
  const mark = missing > 0 ? yellow("!") : errors > 0 ? red("✗") : green("✓");
  const failed = errors > 0 ? `, ${count(errors)} of them errors` : "";
  await console.out.write(
    `${mark} ${count(results)} ${results === 1 ? "result" : "results"}${failed}\n`,
  );
  if (missing === 0 || console.signal.aborted || console.unheard.aborted) return;
  await console.err.write(
    `error: no further result within ${span(waitMs)}: ${count(missing)} still missing, ` +
      `their work is stored\n`,
  );
}

function summaryJson({ summary, bad, lastLine }: Sent, results: Results | undefined): string {
  const { stored, duplicates, failed, unconfirmed } = summary;
  return JSON.stringify({
    stored,
    duplicates,
    failed: bad + failed,
    unconfirmed,
    last_line: lastLine,
    ...results,
  });
}

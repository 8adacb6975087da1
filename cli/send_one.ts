/**
 * Sending one work item, and waiting for its result with --wait.
 *
 * @module
 */
import { type Connection, type LogRecord, streamSettings } from "@ourocodus/bus";
import { sendWork, type SentWork } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { type HeedlessConsole, isLost } from "./heedless_console.ts";
import { ensureLog } from "./nats.ts";
import type { Output } from "./output.ts";
import { printResult } from "./print_result.ts";
import { isErrorResult, recordJson } from "./record_text.ts";
import { type ConnectedAgents, connectedAgents, type Sending, tellNobodyThere } from "./sending.ts";
import { harmless, harmlessJson, paint, span } from "./terminal_text.ts";
import { beginningFor, storedText, waitForResults, whatIsKnown } from "./wait_for_results.ts";

/** Sends one message, prints that it is stored, and with --wait its result. */
export async function sendOne(
  connection: Connection,
  { id, text }: { readonly id: string; readonly text: string },
  sending: Sending,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const { session, role, waitMs } = sending;
  const { signal } = console;
  const logEnd = waitMs === undefined ? 0 : await ensureLog(console, connection);
  const began = performance.now();
  const asked = connectedAgents(connection, sending, signal);
  asked.catch(() => {}); // If sending fails, that error is reported.
  const sent = await sendWork(connection, { session, role, id, text }, {
    limits: streamSettings(console.env),
    signal,
  });
  try {
    return await tell(connection, { sent, asked, logEnd, began }, sending, console);
  } finally {
    if (await isLost(console)) await console.err.write(`${storedText(sent)}\n`);
  }
}

interface Stored {
  readonly sent: SentWork;
  readonly asked: Promise<ConnectedAgents>;
  /** The log's newest sequence, from before it was sent. */
  readonly logEnd: number;
  /** When sending began, of the clock that never goes back. */
  readonly began: number;
}

async function tell(
  connection: Connection,
  { sent, asked, logEnd, began }: Stored,
  sending: Sending,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const { waitMs } = sending;
  const { signal } = console;
  if (!sending.json) {
    // With --wait, standard output is for the result alone.
    await printStored(sent, waitMs === undefined ? console.out : console.err);
  }
  if (waitMs === undefined) {
    await printConnected(await asked, sent, sending, console);
    return EXIT.ok;
  }
  if (!sent.duplicate && !sending.json) {
    asked.then((connected) => printConnected(connected, sent, sending, console), () => {});
  }
  let result: LogRecord | undefined;
  for await (
    const record of waitForResults(connection, sending, {
      sequences: new Set([sent.sequence]),
      beginning: beginningFor(logEnd, sent.duplicate),
      timeoutMs: waitMs,
      signal: AbortSignal.any([signal, console.unheard]),
    })
  ) result = record;
  if (signal.aborted) return EXIT.interrupted;
  if (result === undefined && console.unheard.aborted) return EXIT.ok;
  if (sending.json) await console.out.write(`${sentJson(sent, sending, await asked, result)}\n`);
  if (result === undefined) {
    const known = await whatIsKnown(connection, sending, { sent, logEnd, signal });
    await console.err.write(`error: no result within ${span(waitMs)}: ${known}\n`);
    return EXIT.timeout;
  }
  if (!sending.json) await printResult(result, { afterMs: performance.now() - began }, console);
  return isErrorResult(result) ? EXIT.failed : EXIT.ok;
}

async function printStored(sent: SentWork, output: Output): Promise<void> {
  const { green, bold, dim } = paint(output.hasColor);
  const what = sent.duplicate ? "was stored before" : "stored";
  const place = `${dim("subject")} ${sent.subject}${dim(", sequence")} ${sent.sequence}`;
  const note = sent.duplicate ? dim(" (same id: not stored again)") : "";
  await output.write(`${green("✓")} ${bold(harmless(sent.id))} ${what}: ${place}${note}\n`);
}

async function printConnected(
  connected: ConnectedAgents,
  sent: SentWork,
  sending: Sending,
  console: Console,
): Promise<void> {
  if (sending.json) {
    await console.out.write(`${sentJson(sent, sending, connected)}\n`);
    return;
  }
  if (!sent.duplicate) await tellNobodyThere(connected, sending, console);
}

function sentJson(
  sent: SentWork,
  { session, role, waitMs }: Sending,
  { relays, agents }: ConnectedAgents,
  result?: LogRecord,
): string {
  const { id, subject, sequence, duplicate } = sent;
  const line = JSON.stringify({ id, session, role, subject, sequence, duplicate, relays, agents });
  if (waitMs === undefined) return harmlessJson(line);
  const last = result === undefined ? "null" : recordJson(result);
  return `${harmlessJson(line.slice(0, -1))},"result":${last}}`;
}

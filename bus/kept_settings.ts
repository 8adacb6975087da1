/**
 * What people have set for all programs and what is to last, such as budgets: the stream
 * `OUROCODUS_SETTINGS`, which keeps the newest message of each subject, without a limit of age or
 * size. A setting that is removed is a message too, with an empty text; so those who follow hear of it.
 *
 * @module
 */
import { SETTINGS_STREAM } from "@ourocodus/protocol";
import type { Connection } from "./connection.ts";
import { readStream, type StreamRecord } from "./log/stream_reader.ts";
import { publishStored } from "./publish_ack.ts";

/** A setting as it is kept; its text is empty if it was removed. */
export type KeptSetting = StreamRecord;

/** Options of {@linkcode changeSetting}. */
export interface ChangeOptions {
  /**
   * The sequence of the setting that is to be changed, 0 if there is to be none: if somebody has changed
   * it meanwhile, nothing is stored. Without it, whatever is there is replaced.
   */
  readonly expected?: number;
  /** How long storing may take, in milliseconds; 5,000 by default. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 5_000;
/** How the stream is told what to expect; see NATS' documentation of publish headers. */
const EXPECTED = "Nats-Expected-Last-Subject-Sequence";

/**
 * Sets something, in the place of what was set before.
 *
 * @param subject Below `settings.`, without wildcards; one of subjects.ts.
 * @param text Usually a message; empty to remove the setting.
 * @returns Whether it is stored; `false` if it was not as `expected`.
 * @throws {PublishError} If it cannot be stored; whether it is, is then not known.
 */
export async function changeSetting(
  connection: Connection,
  subject: string,
  text: string,
  { expected, timeoutMs = TIMEOUT_MS }: ChangeOptions = {},
): Promise<boolean> {
  const headers: Record<string, string> = expected === undefined
    ? {}
    : { [EXPECTED]: String(expected) };
  const options = { headers, stream: SETTINGS_STREAM, timeoutMs };
  const { duplicate } = await publishStored(connection, subject, text, options);
  return !duplicate;
}

/**
 * Reads what is set now, the oldest change first.
 *
 * @param subject Below `settings.`, may have wildcards.
 * @throws {StreamError} If the stream cannot be read.
 */
export async function keptSettings(
  connection: Connection,
  subject: string,
): Promise<KeptSetting[]> {
  const all = await Array.fromAsync(readStream(connection, SETTINGS_STREAM, subject));
  return all.filter(({ text }) => text !== "");
}

/**
 * Gives all that is set now, then each change as it comes, removals included: of a setting that is
 * removed the text is empty. Goes on while NATS is away.
 *
 * @param subject Below `settings.`, may have wildcards.
 * @param signal Ends it, without an error.
 * @throws {StreamError} If the stream cannot be read, or is removed. Whoever follows begins anew then.
 */
export async function* followSettings(
  connection: Connection,
  subject: string,
  signal: AbortSignal,
): AsyncGenerator<readonly KeptSetting[]> {
  const read = readStream(connection, SETTINGS_STREAM, subject, { signal, timeoutMs: Infinity });
  const all = await Array.fromAsync(read);
  if (signal.aborted) return;
  yield all.filter(({ text }) => text !== "");
  const fromSequence = (all.at(-1)?.sequence ?? 0) + 1;
  const options = { fromSequence, follow: true, signal };
  for await (const one of readStream(connection, SETTINGS_STREAM, subject, options)) yield [one];
}

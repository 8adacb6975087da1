/**
 * What becomes of a command that has ended: a result's payload, or an error to throw.
 *
 * @module
 */
import { parseDurationMs } from "@ourocodus/protocol";
import { RetryableError, WorkError } from "../errors.ts";
import { withoutEscapeCodes } from "../escape_codes.ts";
import { isSo, type JsonPath, valueAt } from "./json_path.ts";
import { cutBeginning, cutEnd, jsonSize } from "./json_size.ts";
import type { OutputCapture } from "./output_capture.ts";
import type { StderrProgress } from "./stderr_progress.ts";

/** How a command ended, and what it wrote. */
export interface EndedCommand {
  /** What it is called. */
  readonly name: string;
  /** Its exit code; 128 and the signal's number if a signal ended it. */
  readonly exitCode: number;
  /** The signal that ended it, if one did. */
  readonly signal: string | null;
  readonly durationMs: number;
  readonly output: OutputCapture;
  readonly stderr: StderrProgress;
  /** Variables that were left out of its environment. */
  readonly omitted: readonly string[];
}

/** Of an error's message, the part that is the last line of standard error; in characters. */
const SHOWN_LINE_CHARACTERS = 300;
/** Of output that is not JSON as much is shown, in characters. */
const SHOWN_OUTPUT_CHARACTERS = 2_000;

/**
 * The payload of a result with the output as text: cut, with a note and a file, if it is larger
 * than `maxPayloadBytes`.
 */
export async function textResult(
  ended: EndedCommand,
  maxPayloadBytes: number,
): Promise<Record<string, unknown>> {
  const { output, exitCode, durationMs } = ended;
  const head = output.head();
  const payload = (text: string, notes: object = {}) => ({
    output: text,
    exit_code: exitCode,
    duration_ms: durationMs,
    ...(output.hasInvalidUtf8 && { invalid_utf8: true }),
    ...omittedNote(ended),
    ...notes,
  });
  const whole = payload(head);
  if (output.isWhole && jsonSize(whole) <= maxPayloadBytes) return whole;
  const notes = { truncated: true, output_bytes: output.bytes, ...await output.save() };
  return payload(cutEnd(head, maxPayloadBytes - jsonSize(payload("", notes))), notes);
}

/** Options of {@linkcode jsonResult}. */
export interface JsonResultOptions {
  readonly maxPayloadBytes: number;
  /** If something is there, the command says with it that it has failed. */
  readonly errorIf: JsonPath | undefined;
}

/**
 * The JSON that a command printed, as a result's payload. Escape codes for a terminal around it
 * and in it do not matter: JSON has none.
 *
 * @throws {WorkError} `not_json` if it is none, with its beginning; `result_too_large` if it is
 * larger than a result may be, with a file; `command_reported_error`, with the JSON.
 */
export async function jsonResult(
  ended: EndedCommand,
  options: JsonResultOptions,
): Promise<unknown> {
  const { output, name } = ended;
  if (!output.isWhole) {
    const message = `${name} printed ${output.bytes} bytes of JSON, more than a result may have`;
    const details = { output_bytes: output.bytes, ...await output.save(), ...endOf(ended) };
    throw new WorkError("result_too_large", message, { details });
  }
  const value = parsedOutput(ended);
  const { errorIf } = options;
  const said = errorIf && valueAt(value, errorIf);
  if (errorIf === undefined || !isSo(said)) return value;
  const text = cutLine(typeof said === "string" ? said : JSON.stringify(said));
  const message = `${name} reported an error: ${errorIf.text} is ${text}`;
  const code = "command_reported_error";
  const details = { output: value, ...endOf(ended) };
  const fits = jsonSize({ code, message, ...details }) <= options.maxPayloadBytes;
  throw new WorkError(code, message, {
    details: fits
      ? details
      : { output_bytes: output.bytes, ...await output.save(), ...endOf(ended) },
  });
}

function parsedOutput(ended: EndedCommand): unknown {
  const { output, name } = ended;
  const text = output.head();
  const wrong = output.hasInvalidUtf8 ? "it is not UTF-8" : undefined;
  try {
    if (wrong === undefined) return JSON.parse(withoutEscapeCodes(text).replace(/^\ufeff/, ""));
  } catch {
    // Said below.
  }
  const why = text.trim() === "" ? "it printed nothing" : wrong ?? "it printed something else";
  throw new WorkError("not_json", `${name} did not print JSON: ${why}`, {
    details: { output: text.slice(0, SHOWN_OUTPUT_CHARACTERS).toWellFormed(), ...endOf(ended) },
  });
}

/** The error for a command that ended with 0, but printed nothing. */
export async function noOutput(ended: EndedCommand, maxPayloadBytes: number): Promise<Error> {
  const said = lastLine(ended.stderr.tail());
  const how = `${ended.name} ended with exit code 0, but printed nothing`;
  const message = said === "" ? how : `${how}: ${said}`;
  return await detailed("no_output", message, ended, maxPayloadBytes);
}

/** Options of {@linkcode failure}. */
export interface FailureOptions {
  readonly maxPayloadBytes: number;
  /** Exit codes that release the work. */
  readonly retryOn: readonly number[];
  readonly retryDelayMs: number | undefined;
}

/** The error for a command that did not end with 0. */
export async function failure(ended: EndedCommand, options: FailureOptions): Promise<Error> {
  const { name, exitCode, signal } = ended;
  const how = signal === null
    ? `${name} ended with exit code ${exitCode}`
    : `${name} was ended by ${signal}`;
  const said = lastLine(ended.stderr.tail());
  const message = said === "" ? how : `${how}: ${said}`;
  if (options.retryOn.includes(exitCode)) {
    return new RetryableError(message, { delayMs: options.retryDelayMs });
  }
  const code = signal === null ? "exit" : "signal";
  return await detailed(code, message, ended, options.maxPayloadBytes);
}

/**
 * The error for a command that puts its work off, uncharged. Until when may be the last line on standard
 * error: a time (`2026-12-24T08:00:00Z`) or a duration (`90s`, `2h`, `3d`).
 *
 * @param delayMs If the command says nothing of the kind, in milliseconds.
 */
export function snooze(
  { name, exitCode, stderr }: EndedCommand,
  delayMs: number | undefined,
): Error {
  const said = lastLine(stderr.tail());
  const asked = /^\d{4}-\d\d-\d\dT/.test(said)
    ? Date.parse(said) - Date.now()
    : parseDurationMs(said) ?? NaN;
  const words = said === "" ? "" : `: ${said}`;
  return new RetryableError(`${name} ended with exit code ${exitCode}${words}`, {
    delayMs: Number.isNaN(asked) ? delayMs : asked,
    reason: "snoozed",
  });
}

/** The error for a command that took too long. */
export async function timeoutError(
  ended: EndedCommand,
  timeoutMs: number,
  maxPayloadBytes: number,
): Promise<Error> {
  const message = `${ended.name} took longer than ${timeoutMs / 1_000} s and was ended`;
  return await detailed("timeout", message, ended, maxPayloadBytes, { timeout_ms: timeoutMs });
}

async function detailed(
  code: string,
  message: string,
  ended: EndedCommand,
  maxPayloadBytes: number,
  more: object = {},
): Promise<WorkError> {
  const { output } = ended;
  const notes = {
    ...endOf(ended),
    ...more,
    ...(!output.tailIsWhole && {
      truncated: true,
      output_bytes: output.bytes,
      ...await output.save(),
    }),
  };
  const details = (stderr: string, text: string) => ({ ...notes, stderr, output: text });
  const room = maxPayloadBytes - jsonSize({ code, message, ...details("", "") });
  const stderr = cutBeginning(ended.stderr.tail(), room / 2);
  const left = room - (jsonSize([stderr]) - jsonSize([""]));
  return new WorkError(code, message, {
    details: details(stderr, cutBeginning(output.tail(), left)),
  });
}

function endOf(ended: EndedCommand): object {
  const { exitCode, signal, durationMs, output } = ended;
  return {
    exit_code: exitCode,
    ...(signal !== null && { signal }),
    duration_ms: durationMs,
    ...(output.hasInvalidUtf8 && { invalid_utf8: true }),
    ...omittedNote(ended),
  };
}

function omittedNote({ omitted }: EndedCommand): object {
  return omitted.length === 0 ? {} : { omitted_variables: omitted };
}

function lastLine(text: string): string {
  const line = text.split(/[\r\n]/).findLast((each) => each.trim() !== "")?.trim() ?? "";
  return cutLine(line);
}

function cutLine(line: string): string {
  if (line.length <= SHOWN_LINE_CHARACTERS) return line;
  return `${line.slice(0, SHOWN_LINE_CHARACTERS).toWellFormed()}…`;
}

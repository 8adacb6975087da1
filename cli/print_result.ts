/**
 * Printing a result for people. Its text alone goes to standard output, so that it can go into a file
 * or another program; everything else, and all of an error, goes to standard error.
 *
 * @module
 */
import type { LogRecord } from "@ourocodus/bus";
import {
  errorText,
  factTexts,
  hasDiff,
  parseMessage,
  resultFacts,
  resultText,
} from "@ourocodus/protocol";
import type { Console } from "./console.ts";
import { colourDiff } from "./patch_text.ts";
import type { Output } from "./output.ts";
import { workDurationMs } from "./record_text.ts";
import { harmless, harmlessLines, paint, span } from "./terminal_text.ts";

/** Options of {@linkcode printResult}. */
export interface PrintResultOptions {
  /** How long the command has waited, in milliseconds; by default how long the work took, if known. */
  readonly afterMs?: number;
  /** Whether the line on standard error names the work. */
  readonly named?: boolean;
}

/** Lines of an error's detail that are shown: the last ones. */
const DETAIL_LINES = 20;
const SHOWN_CHARACTERS = 200;

/** Prints a result or an error result. */
export async function printResult(
  record: LogRecord,
  options: PrintResultOptions,
  console: Console,
): Promise<void> {
  const { out, err } = console;
  const { green, red, dim, bold } = paint(err.hasColor);
  const parsed = parseMessage(record.text);
  const { afterMs = workDurationMs(record) } = options;
  const after = afterMs === undefined ? "" : dim(` after ${span(afterMs)}`);
  if (parsed.kind === "invalid") {
    await printText(record.text, out);
    const name = options.named ? `${bold(`work ${record.work?.sequence ?? "?"}`)}: ` : "";
    return await err.write(`${green("✓")} ${name}result${after}\n`);
  }
  const { id, type, payload } = parsed.message;
  const name = options.named ? `${bold(harmless(id))}: ` : "";
  const more = followUp(payload, record).map((text) => dim(" · ") + harmless(text)).join("");
  if (type === "error") {
    const [head, ...lines] = errorLines(payload);
    await err.write(`${red("✗")} ${name}error${after}: ${head}${more}\n`);
    return await err.write(lines.map((line) => `  ${line}\n`).join(""));
  }
  await printText(resultText(payload).text, out);
  await err.write(`${green("✓")} ${name}${harmless(type)}${after}${more}\n`);
}

/** Returns when the text is written, so that standard error follows it. */
async function printText(text: string, out: Output): Promise<void> {
  const shown = harmlessLines(text, out.hasColor);
  const colored = out.hasColor && !shown.includes("\x1b") && hasDiff(shown);
  const lines = colored ? colourDiff(shown, paint(true)) : shown;
  await out.write(lines === "" || lines.endsWith("\n") ? lines : `${lines}\n`);
  await out.flush();
}

/** Facts about what a coding agent did, and how to see its changes. */
function followUp(payload: Readonly<Record<string, unknown>>, record: LogRecord): string[] {
  const facts = resultFacts(payload);
  const { changed } = facts;
  const isThere = changed !== undefined && changed.files > 0 && record.work !== undefined;
  return [
    ...factTexts(facts).map((text) => shortened(text)),
    ...(isThere ? [`work diff ${record.work?.sequence}`] : []),
  ];
}

/** Message and code in the first line, then the details. */
function errorLines(payload: Readonly<Record<string, unknown>>): string[] {
  const { message, code, details } = errorText(payload);
  const [first = "", ...rest] = linesOf(message);
  const head = code === undefined ? first : `${first} (${harmless(code)})`;
  return [head, ...rest, ...details.flatMap(({ name, value }) => detailLines(name, value))];
}

function detailLines(name: string, value: string): string[] {
  const lines = linesOf(value.trimEnd());
  const label = harmless(shortened(name));
  const [first = ""] = lines;
  if (lines.length === 1) return [`${label}: ${shortened(first)}`];
  const shown = lines.slice(-DETAIL_LINES).map((line) => `  ${line}`);
  const cut = lines.length - shown.length;
  return [`${label}:`, ...(cut > 0 ? [`  … ${cut} more lines before these`] : []), ...shown];
}

function linesOf(text: string): string[] {
  return harmlessLines(text, false).split("\n");
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}

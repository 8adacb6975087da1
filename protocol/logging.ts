/**
 * Structured logs for the long-running programs: JSON lines, or pretty on a terminal.
 *
 * @module
 */
import {
  configure,
  getJsonLinesFormatter,
  type LogLevel,
  type LogRecord,
  type TextFormatter,
} from "@logtape/logtape";
import { getPrettyFormatter } from "@logtape/pretty";
import { SettingError } from "./errors.ts";
import { type Environment, readSettings, text } from "./settings.ts";

const LEVELS = new Map<string, LogLevel>([
  ["trace", "trace"],
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warning"],
  ["warning", "warning"],
  ["error", "error"],
  ["fatal", "fatal"],
]);

/** How to log. */
export interface LoggingOptions {
  /** The lowest level that is written; `info` by default. */
  readonly level?: LogLevel;
  /** For people (`true`), or one JSON object a line (`false`, the default). */
  readonly pretty?: boolean;
  /** Takes one formatted record, without its line break; standard error by default. */
  readonly write?: (line: string) => void;
}

const ALLOWED = "trace, debug, info, warn, error, fatal";

/** The lowest level that a program logs, in any case. */
export const LOG_LEVEL = text(
  "LOG_LEVEL",
  "the lowest level that is logged: as JSON lines, or pretty on a terminal",
  { fallback: "info", allowed: ALLOWED, parse: levelNamed },
);

function levelNamed(text: string, name: string): LogLevel {
  const level = LEVELS.get(text.toLowerCase());
  if (level !== undefined) return level;
  throw new SettingError(`${name} is "${text}", allowed are ${ALLOWED}`);
}

/** Reads {@linkcode LOG_LEVEL}. @throws {SettingError} If it is none that is allowed. */
export function logLevelSetting(env: Environment): LogLevel {
  return readSettings({ level: LOG_LEVEL }, env).level;
}

/**
 * Sets the process up for logging through `getLogger(["ourocodus", …])` of LogTape. Called once,
 * by a main.ts.
 */
export async function configureLogging(options: LoggingOptions = {}): Promise<void> {
  const { level = "info", pretty = false, write = (line: string) => console.error(line) } = options;
  const format: TextFormatter = pretty
    ? getPrettyFormatter({
      timestamp: "time",
      icons: false,
      colors: !Deno.noColor,
      categoryWidth: 16,
      properties: true,
    })
    : getJsonLinesFormatter({ properties: "flatten", categorySeparator: "." });
  await configure({
    sinks: { out: (record: LogRecord) => write(format(record).trimEnd()) },
    loggers: [
      { category: "ourocodus", lowestLevel: level, sinks: ["out"] },
      { category: ["logtape", "meta"], lowestLevel: "warning", sinks: ["out"] },
    ],
    reset: true,
  });
}

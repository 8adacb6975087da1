/**
 * Settings of programs. A table declares each once, `{ maxDeliver: integer("MAX_DELIVER", …) }`;
 * reading, `--help`, docs/settings.md, permissions and what containers pass on are made from it. Only
 * a main.ts passes the real environment in.
 *
 * @module
 */
import { SettingError } from "./errors.ts";

/** Where settings come from; `Deno.env` is one. */
export interface Environment {
  get(name: string): string | undefined;
}

/** What a table says about a setting besides its variable and what it is. */
export interface SettingOptions {
  /** The default, as it could be set. Without one, a setting that is not set is `undefined`. */
  readonly fallback?: string | number;
  /** What applies without a value, where that is no value of its own: `MAX_AGENTS`. */
  readonly otherwise?: string;
  /** The values that it may have, for people: `1 to 1000`. */
  readonly allowed?: string;
  /** The flag that goes before the variable. */
  readonly flag?: string;
}

/** Options of a text. */
export interface TextOptions extends SettingOptions {
  /** Makes its value. @param name What errors call it. @throws {SettingError} */
  readonly parse?: (text: string, name: string) => unknown;
}

/** Options of a number. */
export interface NumberOptions extends SettingOptions {
  /** The least and the most that it may be, written like the setting itself: `10m`, `64KB`. */
  readonly range: readonly [min: string | number, max: string | number];
}

/** One setting: the variable that has it, what it is in one line, and how its text is read. */
export interface Setting<Value = unknown> extends SettingOptions {
  readonly variable: string;
  readonly means: string;
  readonly parse: (text: string, name: string) => Value;
}

/** Settings by the names that code calls them; groups of them may be nested. */
export interface SettingTable {
  readonly [key: string]: Setting | SettingTable;
}

/** What {@linkcode readSettings} makes of a table. */
export type SettingsOf<Table> = {
  readonly [Key in keyof Table]: Table[Key] extends Setting<infer Value> ? Value
    : SettingsOf<Table[Key]>;
};

/** A setting that is `undefined` if it is not set and its options have no default. */
type Declared<Value, Options> = Setting<
  Options extends { readonly fallback: string | number } ? Value : Value | undefined
>;

type Parsed<Options> = Options extends { readonly parse: (...texts: string[]) => infer Value }
  ? Value
  : string;

const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;
const DURATION_UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES = /^(\d+(?:\.\d+)?)(?:([KMGT])i?)?B?$/i;
const BYTES_UNIT: Record<string, number> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/**
 * Parses a duration: `500ms`, `30s`, `10m`, `1h`, `7d`, or a bare number of seconds.
 *
 * @returns Milliseconds, or `undefined` if the text is none.
 *
 * @example
 * ```ts
 * import { parseDurationMs } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * assert.equal(parseDurationMs("1.5h"), 5_400_000);
 * ```
 */
export function parseDurationMs(text: string): number | undefined {
  const [, number, unit = "s"] = DURATION.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * (DURATION_UNIT_MS[unit] ?? 1));
}

/**
 * Parses a size: `512`, `64KB`, `10MiB`, `1G`. Units count in powers of 1024.
 *
 * @returns Bytes, or `undefined` if the text is none.
 */
export function parseBytes(text: string): number | undefined {
  const [, number, unit] = BYTES.exec(text.trim()) ?? [];
  if (number === undefined) return undefined;
  return Math.round(Number(number) * (unit ? BYTES_UNIT[unit.toUpperCase()] ?? 1 : 1));
}

/** A variable's value, or `undefined` if it is not set or blank. */
export function textSetting(env: Environment, name: string): string | undefined {
  const text = env.get(name)?.trim();
  return text ? text : undefined;
}

/**
 * Declares a text, or what `parse` makes of it.
 *
 * @param variable The environment variable that has it.
 * @param means What it is, in one line, for help and documents.
 */
export function text<Options extends TextOptions>(
  variable: string,
  means: string,
  options: Options = {} as Options,
): Declared<Parsed<Options>, Options> {
  const declared = { parse: String, ...options, variable, means };
  return declared as Setting as Declared<Parsed<Options>, Options>;
}

/** Declares texts with commas between; none by default. */
export function list(variable: string, means: string): Setting<string[]> {
  const parse = (text: string) => text.split(",").map((one) => one.trim()).filter(Boolean);
  return text(variable, means, { fallback: "", parse });
}

/** Declares what is so, `1` or `true`, or not, `0` or `false`, the default. */
export function flag(variable: string, means: string): Setting<boolean> {
  const allowed = "1, true, 0 and false";
  const parse = (text: string, name: string) => {
    if (text === "1" || text === "true") return true;
    if (text === "0" || text === "false") return false;
    throw new SettingError(`${name} is "${text}", allowed are ${allowed}`);
  };
  return text(variable, means, { fallback: 0, allowed, parse });
}

type DeclareNumber = <Options extends NumberOptions>(
  variable: string,
  means: string,
  options: Options,
) => Declared<number, Options>;

/** Declares a whole number. */
export const integer: DeclareNumber = numbers(
  "whole number",
  "",
  (text) => /^-?\d+$/.test(text) ? Number(text) : undefined,
);

/** Declares a duration, see {@linkcode parseDurationMs}; its value is in milliseconds. */
export const duration: DeclareNumber = numbers("duration like 30s or 10m", " ms", parseDurationMs);

/** Declares a size in bytes, see {@linkcode parseBytes}; `-1` passes if its range allows it. */
export const bytes: DeclareNumber = numbers(
  "size like 64KB or 1GB",
  " bytes",
  (text) => text === "-1" ? -1 : parseBytes(text),
);

function numbers(
  wanted: string,
  unit: string,
  parse: (text: string) => number | undefined,
): DeclareNumber {
  const number = (text: string, name: string) => {
    const value = parse(text);
    if (value !== undefined && Number.isSafeInteger(value)) return value;
    throw new SettingError(`${name} is "${text}", it must be a ${wanted}`);
  };
  return (variable, means, options) => {
    const [least, most] = options.range;
    const [min, max] = [number(String(least), variable), number(String(most), variable)];
    const within = (text: string, name: string) => {
      const value = number(text, name);
      if (value >= min && value <= max) return value;
      throw new SettingError(`${name} is "${text}", allowed is ${min} to ${max}${unit}`);
    };
    return text(variable, means, { allowed: `${least} to ${most}`, ...options, parse: within });
  };
}

/**
 * Reads what a table declares.
 *
 * @param flags Values of flags, by the table's names; a flag goes before its variable.
 * @returns The table's names with values; durations in milliseconds, sizes in bytes.
 * @throws {SettingError} If a value cannot be used; names variable or flag, value and limit.
 *
 * @example
 * ```ts
 * import { integer, readSettings } from "@ourocodus/protocol";
 * import assert from "node:assert/strict";
 *
 * const TABLE = {
 *   maxDeliver: integer("MAX_DELIVER", "attempts", { fallback: 5, range: [1, 1_000] }),
 * };
 * assert.deepEqual(readSettings(TABLE, new Map([["MAX_DELIVER", "3"]])), { maxDeliver: 3 });
 * ```
 */
export function readSettings<Table extends SettingTable>(
  table: Table,
  env: Environment,
  flags: { readonly [Key in keyof Table]?: string } = {},
): SettingsOf<Table> {
  const read = Object.entries(table).map(([key, entry]) => [
    key,
    isSetting(entry) ? readSetting(entry, env, flags[key]) : readSettings(entry, env),
  ]);
  return Object.fromEntries(read);
}

function readSetting(
  { variable, flag = variable, fallback, parse }: Setting,
  env: Environment,
  given: string | undefined,
): unknown {
  if (given !== undefined) return parse(given, flag);
  const text = textSetting(env, variable) ?? fallback;
  return text === undefined ? undefined : parse(String(text), variable);
}

/** All settings of a table and of the groups in it, in its order. */
export function settingsIn(table: SettingTable): Setting[] {
  return Object.values(table).flatMap((entry) => isSetting(entry) ? [entry] : settingsIn(entry));
}

/** How many columns a terminal has, at least. */
const COLUMNS = 80;

/** A table for `--help`: each setting with what it means and its default, in 80 columns. */
export function settingsHelp(table: SettingTable): string {
  const settings = settingsIn(table);
  const widest = Math.max(...settings.map(({ variable }) => variable.length));
  const indent = "  ".length + widest + "  ".length;
  return settings.map((one) => {
    const fallback = defaultText(one);
    const words = one.means.split(" ");
    if (fallback !== "") words.push(`(default: ${fallback})`);
    const lines = wrapped(words, COLUMNS - indent).join(`\n${" ".repeat(indent)}`);
    return `  ${one.variable.padEnd(widest)}  ${lines}`;
  }).join("\n");
}

function wrapped(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    const fits = line !== undefined && line.length + 1 + word.length <= columns;
    if (fits) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** A setting's default for people; empty if there is none. */
export function defaultText({ otherwise, fallback = "" }: SettingOptions): string {
  return otherwise ?? String(fallback);
}

function isSetting(entry: Setting | SettingTable): entry is Setting {
  return typeof entry.variable === "string";
}

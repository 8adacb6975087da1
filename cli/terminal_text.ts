/**
 * Text for people: colours, and other people's text made harmless. Agents' and publishers' text
 * is untrusted: an escape sequence in it could recolour, retitle or rewrite the terminal.
 *
 * @module
 */

// Control characters, lone surrogates, line and paragraph separators, and those that reorder text.
const HARMFUL = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;
// The same except those that JSON escapes by itself.
const HARMFUL_IN_JSON =
  /[\x7f-\x9f\p{Cs}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/gu;
const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Replaces every character that is no text by an escape: `\n`, `\t`, `\u001b`.
 *
 * @returns One line.
 */
export function harmless(text: string): string {
  return text.replace(HARMFUL, (character) => SHORT[character] ?? escaped(character));
}

/** The same for JSON, which stays JSON of the same value. */
export function harmlessJson(json: string): string {
  return json.replace(HARMFUL_IN_JSON, escaped);
}

/** A value as a line of JSON. */
export function jsonLine(value: unknown): string {
  return `${harmlessJson(JSON.stringify(value))}\n`;
}

/** Whole sequences that a terminal takes in without showing them: their ends are known. */
const SEQUENCES =
  // deno-lint-ignore no-control-regex
  /\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|[\]PX^_][^\x00-\x08\x0a-\x1f\x7f-\x9f]{0,2048}(?:\x07|\x1b\\)|[()][0-9A-Za-z]|[=>78cDEHMNOZ])/g;
/** What chooses colours and the like, and nothing else. */
// deno-lint-ignore no-control-regex
const SGR = /^\x1b\[[0-9;:]{0,64}m$/;
/** Colours take numbers of their own, among which 8 hides nothing. */
const COLOR_NUMBERS = /[345]8[;:](?:5[;:]\d*|2(?:[;:]\d*){3,5})/g;
const HIDES = /(?:^|;)0*8(?=;|$)/;
const RESET = "\x1b[0m";

/**
 * Makes somebody's text of many lines harmless: line breaks and tabs stay, and colours where the
 * output has them, which end with the text. Other sequences are dropped where their end is plain;
 * every other character that is no text is escaped as {@linkcode harmless} does it.
 */
export function harmlessLines(text: string, hasColor: boolean): string {
  let isColored = false;
  let end = 0;
  let shown = "";
  for (const { 0: sequence, index } of text.matchAll(SEQUENCES)) {
    shown += harmlessPart(text.slice(end, index));
    end = index + sequence.length;
    if (!hasColor || !SGR.test(sequence)) continue;
    if (HIDES.test(sequence.slice(2, -1).replaceAll(COLOR_NUMBERS, ""))) continue;
    isColored = true;
    shown += sequence;
  }
  shown += harmlessPart(text.slice(end));
  if (!isColored) return shown;
  return shown.endsWith("\n") ? `${shown.slice(0, -1)}${RESET}\n` : shown + RESET;
}

function harmlessPart(text: string): string {
  return text.replaceAll("\r\n", "\n").replace(
    HARMFUL,
    (character) =>
      character === "\n" || character === "\t" ? character : SHORT[character] ?? escaped(character),
  );
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36 } as const;

/** Colours for an output; without colour each returns its text as it is. */
export type Paint = Readonly<Record<keyof typeof CODES, (text: string) => string>>;

/** Makes the colours. */
export function paint(hasColor: boolean): Paint {
  const entries = Object.entries(CODES).map(([name, code]) =>
    [name, (text: string) => hasColor ? `\x1b[${code}m${text}\x1b[0m` : text] as const
  );
  return Object.fromEntries(entries) as Paint;
}

/** Whole numbers with separators: `1,000,000`. */
export function count(number: number): string {
  return number.toLocaleString("en-US");
}

/** `12 ms`, `3.4 s`, `5 min`, `2 h`. */
export function span(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${Number((milliseconds / 1_000).toFixed(1))} s`;
  if (milliseconds < 3_600_000) return `${Number((milliseconds / 60_000).toFixed(1))} min`;
  return `${Number((milliseconds / 3_600_000).toFixed(1))} h`;
}

/** `512 bytes`, `1.5 KB`, `3 MB`, `2.1 GB`; units count in powers of 1024. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, "bytes"];
  for (const next of ["KB", "MB", "GB", "TB"]) {
    if (value < 1024) break;
    [value, unit] = [value / 1024, next];
  }
  return `${Number(value.toFixed(1))} ${unit}`;
}

/** Local time: `2026-11-23 18:42:37.920`. */
export function localTime(time: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(":");
  return `${date} ${clock}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

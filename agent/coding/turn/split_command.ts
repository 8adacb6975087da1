/**
 * Splits a shell command into its simple commands, or says why that cannot be done for certain.
 * It serves permission rules, so all that could make a shell run something else than what stands
 * there is in doubt: substitutions, variables, redirections to files, groups, background commands,
 * escapes, comments, control characters.
 *
 * @module
 */

/** A word as the shell would take it. */
export interface Word {
  readonly text: string;
  /** Whether it is exactly this; `false` if file names may replace it (`*.ts`, `~/x`). */
  readonly isLiteral: boolean;
}

/** What {@linkcode splitCommand} finds. */
export type SplitCommand =
  | { readonly kind: "commands"; readonly commands: ReadonlyArray<readonly Word[]> }
  | { readonly kind: "doubt"; readonly why: string };

const MAX_CHARACTERS = 10_000;

/** Redirections that change no file: to the other output, and to nowhere. */
const HARMLESS =
  /(?:[012]?>&[12]|(?:[012]|&)?>>?[ \t]*\/dev\/null|<[ \t]*\/dev\/null)(?=[ \t\n;|]|&&|$)/y;
const SEPARATOR = /&&|\|\||[;|\n]/y;
const NAMES: Readonly<Record<string, string>> = {
  "$": "a variable or a substitution",
  "`": "a substitution",
  "\\": "an escape",
  "<": "a redirection",
  ">": "a redirection",
  "(": "a group",
  ")": "a group",
  "{": "a group",
  "}": "a group",
  "&": "a background command",
  "#": "a comment",
};

/**
 * Splits a command at `&&`, `||`, `|`, `;` and line breaks.
 *
 * @example
 * ```ts
 * import { splitCommand } from "./split_command.ts";
 * import assert from "node:assert/strict";
 *
 * const split = splitCommand("deno task test && git status 2>&1");
 * assert.equal(split.kind === "commands" && split.commands.length, 2);
 * assert.equal(splitCommand("deno task $(rm -rf .)").kind, "doubt");
 * ```
 */
export function splitCommand(text: string): SplitCommand {
  if (text.length > MAX_CHARACTERS) return doubt(`more than ${MAX_CHARACTERS} characters`);
  // deno-lint-ignore no-control-regex
  if (/[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)) return doubt("a control character");
  const commands: Word[][] = [];
  let words: Word[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  text = text.replace(/[ \t\n]+$/, "").replace(/[ \t\n]*;$/, "");
  while (at < text.length) {
    if (match(/[ \t]+/y) !== undefined || match(HARMLESS) !== undefined) continue;
    const separator = match(SEPARATOR);
    if (separator !== undefined) {
      if (words.length === 0 && separator === "\n") continue;
      if (words.length === 0) return doubt("an empty command");
      commands.push(words);
      words = [];
      // A line may end in an operator.
      if (separator !== ";") match(/[ \t\n]+/y);
      continue;
    }
    const word = readWord(text, at);
    if (typeof word === "string") return doubt(word);
    words.push(word.word);
    at = word.end;
  }
  if (words.length === 0) return doubt("an empty command");
  commands.push(words);
  if (commands.some(([first]) => first?.isLiteral !== true)) {
    return doubt("a program whose name is a pattern");
  }
  return { kind: "commands", commands };
}

/** The word that begins there, or what is in doubt about it. */
function readWord(text: string, start: number): { word: Word; end: number } | string {
  let word = "";
  let isLiteral = true;
  let at = start;
  while (at < text.length) {
    const character = text.charAt(at);
    if (/[ \t\n;|]/.test(character) || text.startsWith("&&", at)) break;
    if (character === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) return "a quote without an end";
      word += text.slice(at + 1, end);
      at = end + 1;
    } else if (character === '"') {
      const end = text.indexOf('"', at + 1);
      if (end < 0) return "a quote without an end";
      const quoted = text.slice(at + 1, end);
      const [active] = /[$`\\]/.exec(quoted) ?? [];
      if (active !== undefined) return `${NAMES[active]} in quotes`;
      word += quoted;
      at = end + 1;
    } else if (NAMES[character] !== undefined && (character !== "#" || at === start)) {
      return NAMES[character];
    } else {
      if (/[*?[\]~^=!]/.test(character) && (character !== "=" || at === start)) isLiteral = false;
      word += character;
      at++;
    }
  }
  return { word: { text: word, isLiteral }, end: at };
}

function doubt(why: string): SplitCommand {
  return { kind: "doubt", why };
}

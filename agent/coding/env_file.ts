/**
 * A file with variables, `NAME=VALUE` a line. Empty lines and those that begin with `#` are passed
 * over. A value is taken as it is, except that one pair of quotes around all of it is taken off;
 * `export` before a name is, too.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { messageOf } from "@ourocodus/bus";
import { OptionError } from "../errors.ts";

/**
 * Reads it. Values are in no error: they are secret.
 *
 * @param name What errors call the file's option.
 * @throws {OptionError} If it cannot be read, or a line is none of a variable; with its number.
 */
export function readEnvFile(path: string, name = "envFile"): [name: string, value: string][] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new OptionError(`${name} is "${path}", which cannot be read: ${messageOf(error)}`);
  }
  return text.split(/\r?\n/).flatMap((line, index) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return [];
    const [, variable, value] = /^(?:export\s+)?([^=\s]*)=(.*)$/.exec(trimmed) ?? [];
    const wrong = variable === undefined ? "is not NAME=VALUE" : wrongVariableName(variable);
    if (variable !== undefined && value !== undefined && wrong === undefined) {
      return [[variable, unquoted(value)]];
    }
    throw new OptionError(`${name} is "${path}", whose line ${index + 1} ${wrong}`);
  });
}

/** What is wrong with a variable's name; undefined if nothing. */
export function wrongVariableName(name: string): string | undefined {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return undefined;
  return `names ${JSON.stringify(name)}, a name has A-Z, a-z, 0-9 and _, and no digit first`;
}

function unquoted(value: string): string {
  const [, double, single] = /^(?:"(.*)"|'(.*)')$/s.exec(value) ?? [];
  return double ?? single ?? value;
}

import { readFileSync } from "node:fs";
import { messageOf } from "@ourocodus/protocol";
import { OptionError } from "../errors.ts";
import { type GivenVariable, parseEnvFile } from "./acp/environment.ts";
import type { CodingOptions } from "./options.ts";

/**
 * Reads a file with variables, `NAME=VALUE` a line; see {@linkcode parseEnvFile}.
 *
 * @param name What errors call the file's option.
 * @throws {OptionError} If it cannot be read, or a line is none of a variable.
 */
export function readEnvFile(path: string, name = "envFile"): GivenVariable[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new OptionError(`${name} is "${path}", which cannot be read: ${messageOf(error)}`);
  }
  return parseEnvFile(text, path);
}

/** All variables that were asked for; those of the file come first, so that others replace them. */
export function givenVariables(
  { env = [], envFile }: Pick<CodingOptions, "env" | "envFile">,
): GivenVariable[] {
  return [...envFile === undefined ? [] : readEnvFile(envFile), ...env];
}

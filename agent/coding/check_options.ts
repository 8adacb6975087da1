/**
 * Checks of {@linkcode CodingOptions}, before anything is started.
 *
 * @module
 */
import { isAbsolute, normalize } from "node:path";
import { readFileSync, statSync } from "node:fs";
import { OptionError } from "../errors.ts";
import { readEnvFile } from "./env_file.ts";
import type { CodingOptions } from "./options.ts";
import { presetOf } from "./preset_of.ts";
import { PERMISSION_LEVELS, PermissionPolicy } from "./turn/mod.ts";

/** What errors call an option; a command line calls `envFile` `--env-file`. */
export type NameOf = (
  option: keyof CodingOptions | "maxCost" | "checkTurns" | "gatewayBudget",
) => string;

/** The longest that fits a timer, in milliseconds. */
const MAX_MS = 2 ** 31 - 1;
const ONLY_WITH_REPO = ["base", "worktrees", "setup", "copy"] as const;

/**
 * Checks what can be checked without looking at files.
 *
 * @throws {OptionError} With the option's name, its value, and what is allowed.
 */
export function checkCodingOptions(options: CodingOptions, nameOf: NameOf = (name) => name): void {
  const { agent, command, repo, cwd } = options;
  if ((agent === undefined) === (command === undefined)) {
    throw new OptionError(
      `Give ${agent === undefined ? "" : "only "}one of ${nameOf("agent")} and ${
        nameOf("command")
      }: the name of a known coding agent, or the command of one that speaks ACP`,
    );
  }
  if (command !== undefined && (command[0] ?? "") === "") {
    throw new OptionError(`${nameOf("command")} is empty, it must be a program and its arguments`);
  }
  presetOf(options);
  if ((repo === undefined) === (cwd === undefined)) {
    throw new OptionError(
      `Give ${repo === undefined ? "" : "only "}one of ${nameOf("repo")} and ${
        nameOf("cwd")
      }: the git repository to work in, or a folder without one`,
    );
  }
  for (const option of ONLY_WITH_REPO) {
    if (repo === undefined && options[option] !== undefined) {
      throw new OptionError(`${nameOf(option)} goes with ${nameOf("repo")}`);
    }
  }
  for (const path of options.copy ?? []) checkInside(nameOf("copy"), path);
  for (const variable of options.env ?? []) {
    if (typeof variable !== "string" || options.inherited[variable] !== undefined) continue;
    throw new OptionError(
      `${
        nameOf("env")
      } is ${variable}, which is not set here: export it, or give ${variable}=VALUE`,
    );
  }
  checkNumbers(options, nameOf);
}

function checkInside(name: string, path: string): void {
  const normal = normalize(path);
  if (!isAbsolute(path) && normal !== "." && normal !== ".." && !normal.startsWith("../")) return;
  throw new OptionError(
    `${name} is ${JSON.stringify(path)}, it must be a path inside the repository, relative to it`,
  );
}

function checkNumbers(
  { check, limits = {}, gateway }: CodingOptions,
  nameOf: NameOf,
): void {
  const whole: [string, number | undefined, number, number][] = [
    [nameOf("checkTurns"), check?.turns, 0, 100],
    [nameOf("gatewayBudget"), gateway?.budgetTokens, 1, Number.MAX_SAFE_INTEGER],
    ["check.timeoutMs", check?.timeoutMs, 1, MAX_MS],
    ["limits.maxDurationMs", limits.maxDurationMs, 1, MAX_MS],
    ["limits.maxTokens", limits.maxTokens, 1, Number.MAX_SAFE_INTEGER],
    ["limits.maxTurns", limits.maxTurns, 1, Number.MAX_SAFE_INTEGER],
  ];
  for (const [name, value, min, max] of whole) {
    if (value === undefined || Number.isSafeInteger(value) && value >= min && value <= max) {
      continue;
    }
    throw new OptionError(`${name} is ${value}, allowed is a whole number from ${min} to ${max}`);
  }
  const { maxCost } = limits;
  if (maxCost !== undefined && !(maxCost > 0 && maxCost < Infinity)) {
    throw new OptionError(`${nameOf("maxCost")} is ${maxCost}, it must be a number above 0`);
  }
}

/**
 * Looks whether the folders and files are there that options name, and can be read.
 *
 * @throws {OptionError} With the path.
 */
export function checkCodingFiles(options: CodingOptions, nameOf: NameOf = (name) => name): void {
  const { repo, cwd, permissions, envFile } = options;
  for (const [name, folder] of [[nameOf("repo"), repo], [nameOf("cwd"), cwd]] as const) {
    if (folder === undefined) continue;
    const kind = kindOf(folder);
    if (kind === "folder") continue;
    const wrong = kind === "none" ? "which does not exist" : "which is no folder";
    throw new OptionError(`${name} is ${JSON.stringify(folder)}, ${wrong}`);
  }
  permissionPolicy({ permissions });
  for (const path of options.copy ?? []) {
    if (kindOf(`${repo}/${path}`) !== "none") continue;
    throw new OptionError(
      `${nameOf("copy")} is ${JSON.stringify(path)}, which is not in ${repo}`,
    );
  }
  if (envFile !== undefined) readEnvFile(envFile, nameOf("envFile"));
}

/** What it may do. @throws {OptionError} If a file with rules cannot be read, or has a fault. */
export function permissionPolicy(
  { permissions = "edits" }: Pick<CodingOptions, "permissions">,
): PermissionPolicy {
  return PermissionPolicy.of(permissions, (path) => readFileSync(path, "utf8"));
}

/** Whether it names a level, and no file. */
export function isLevel(permissions: string): boolean {
  return (PERMISSION_LEVELS as readonly string[]).includes(permissions);
}

function kindOf(path: string): "file" | "folder" | "none" {
  const entry = statSync(path, { throwIfNoEntry: false });
  return entry === undefined ? "none" : entry.isDirectory() ? "folder" : "file";
}

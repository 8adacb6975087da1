/**
 * The rules file of `--permissions`, parsed with exact errors. What it means is in
 * `PermissionPolicy`.
 *
 * @module
 */
import type { PermissionLevel } from "../acp/presets.ts";
import type { ToolKind } from "@agentclientprotocol/sdk/unstable";
import { messageOf } from "@ourocodus/protocol";
import { OptionError } from "../../errors.ts";
import { shown } from "./shortened.ts";
import { splitCommand } from "./split_command.ts";

/** All levels, from the most to the least. */
export const PERMISSION_LEVELS: readonly PermissionLevel[] = ["all", "edits", "read", "none"];

/** Kinds of tools that are about paths. */
export const PATH_KINDS: readonly ToolKind[] = ["read", "search", "edit", "delete", "move"];

/** One rule: at least one of the three. */
export interface PermissionRule {
  readonly kinds?: readonly ToolKind[];
  /** The first words of a command. */
  readonly command?: readonly string[];
  /** Relative to the worktree, without a slash at the end; `.` is all of it. */
  readonly path?: string;
}

/** A rules file. */
export interface PermissionRules {
  readonly allow: readonly PermissionRule[];
  readonly deny: readonly PermissionRule[];
  readonly default: PermissionLevel;
}

const LEVELS: readonly string[] = [...PERMISSION_LEVELS, "deny"];
const KINDS: readonly ToolKind[] = [
  "read",
  "search",
  "think",
  "edit",
  "delete",
  "move",
  "execute",
  "fetch",
  "switch_mode",
  "other",
];
const MAX_CHARACTERS = 262_144;
const MAX_RULES = 1_000;

/**
 * Parses a rules file.
 *
 * @param text Its JSON text.
 * @param file Its name, for errors.
 * @throws {OptionError} With the file, the place, the value and what is allowed.
 */
export function parsePermissionRules(text: string, file: string): PermissionRules {
  const parser = new Parser(file);
  if (text.length > MAX_CHARACTERS) {
    parser.fail(`it has ${text.length} characters, limit is ${MAX_CHARACTERS}`);
  }
  const rules = parser.object("the file", parser.json(text), ["allow", "deny", "default"]);
  const level = rules.default ?? "edits";
  if (typeof level !== "string" || !LEVELS.includes(level)) {
    parser.fail(`default is ${shown(level)}, allowed are ${LEVELS.join(", ")}`);
  }
  return {
    allow: parser.rules("allow", rules.allow),
    deny: parser.rules("deny", rules.deny),
    default: (level === "deny" ? "none" : level) as PermissionLevel,
  };
}

class Parser {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  fail(what: string): never {
    throw new OptionError(`Cannot use permissions "${this.#file}": ${what}`);
  }

  json(text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      return this.fail(`it is not JSON: ${messageOf(error)}`);
    }
  }

  object(place: string, value: unknown, fields: readonly string[]): Record<string, unknown> {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return this.fail(`${place} is ${shown(value)}, it must be an object`);
    }
    const unknown = Object.keys(value).find((field) => !fields.includes(field));
    if (unknown !== undefined) {
      this.fail(`${place} has a field ${shown(unknown)}, allowed are ${fields.join(", ")}`);
    }
    return value as Record<string, unknown>;
  }

  rules(name: string, value: unknown): PermissionRule[] {
    if (value === undefined) return [];
    if (!Array.isArray(value)) this.fail(`${name} is ${shown(value)}, it must be a list of rules`);
    const list = value as unknown[];
    if (list.length > MAX_RULES) {
      this.fail(`${name} has ${list.length} rules, limit is ${MAX_RULES}`);
    }
    return list.map((rule, at) => this.#rule(`${name}[${at}]`, rule));
  }

  #rule(place: string, value: unknown): PermissionRule {
    const { kind, command, path } = this.object(place, value, ["kind", "command", "path"]);
    if (kind === undefined && command === undefined && path === undefined) {
      this.fail(`${place} is empty, it needs a kind, a command or a path`);
    }
    if (command !== undefined && path !== undefined) {
      this.fail(`${place} has a command and a path: nobody knows a command's paths, make it two`);
    }
    const kinds = kind === undefined ? undefined : this.#kinds(`${place}.kind`, kind);
    if (command !== undefined && kinds?.some((one) => one !== "execute")) {
      this.fail(`${place}.kind is ${shown(kind)}, with a command only "execute" is allowed`);
    }
    if (path !== undefined && kinds?.some((one) => !PATH_KINDS.includes(one))) {
      this.fail(`${place}.kind is ${shown(kind)}, with a path only ${PATH_KINDS.join(", ")} are`);
    }
    return {
      ...(kinds !== undefined && { kinds }),
      ...(command !== undefined && { command: this.#command(`${place}.command`, command) }),
      ...(path !== undefined && { path: this.#path(`${place}.path`, path) }),
    };
  }

  #kinds(place: string, value: unknown): ToolKind[] {
    const list: unknown[] = Array.isArray(value) ? value : [value];
    const wrong = list.find((one) => !KINDS.includes(one as ToolKind));
    if (list.length === 0 || wrong !== undefined) {
      this.fail(`${place} is ${shown(wrong ?? value)}, allowed are ${KINDS.join(", ")}`);
    }
    return list as ToolKind[];
  }

  #command(place: string, value: unknown): string[] {
    const split = typeof value === "string" ? splitCommand(value) : undefined;
    if (split?.kind !== "commands" || split.commands.length !== 1) {
      const why = split?.kind === "doubt" ? ` (it has ${split.why})` : "";
      this.fail(
        `${place} is ${shown(value)}${why}, it must be the first words of one command, without ` +
          `operators, variables or redirections`,
      );
    }
    const words = split.commands[0] ?? [];
    if (words.some(({ isLiteral }) => !isLiteral)) {
      this.fail(`${place} is ${shown(value)}, patterns are not allowed: it is a prefix by words`);
    }
    return words.map(({ text }) => text);
  }

  #path(place: string, value: unknown): string {
    const wrong =
      `${place} is ${shown(value)}, it must be a path relative to the worktree, such as ` +
      `"src/", without .. and patterns`;
    if (typeof value !== "string" || value === "" || /^[/~]|[*?\0\\]/.test(value)) this.fail(wrong);
    const segments = (value as string).split("/").filter((part) => part !== "" && part !== ".");
    if (segments.includes("..")) this.fail(wrong);
    return segments.join("/") || ".";
  }
}

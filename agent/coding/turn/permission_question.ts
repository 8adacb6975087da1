/**
 * What an agent asks leave for, made of its request and what it said before. Agents differ:
 *
 * | agent    | an edit                                | a command                               |
 * | -------- | -------------------------------------- | --------------------------------------- |
 * | claude   | `rawInput.file_path`, no kind: that is | `rawInput.command`                      |
 * |          | in the tool call it sent before        |                                         |
 * | codex    | `locations`, diffs                     | `rawInput.command` and `.cwd`, no kind; |
 * |          |                                        | the call before it may say `read`       |
 * | gemini   | `locations` and a diff                 | **the title alone**                     |
 * | opencode | `locations`, a diff                    | `rawInput.command`                      |
 *
 * What is unknown is taken for its most dangerous: no kind is `other`, a kind that changes between
 * two words about one call is the more dangerous of both, a command makes it `execute`, a diff makes
 * it an edit, an edit without a path is outside of the worktree, a command that is not told is any.
 *
 * @module
 */
import type { ToolCallUpdate, ToolKind } from "@agentclientprotocol/sdk/unstable";
import { isObject } from "@ourocodus/protocol";
import { kindOf, pathsOf, type ToolState } from "./tool_calls.ts";

/** What an agent asks leave for. */
export interface PermissionQuestion {
  /** The tool call's id. */
  readonly tool: string;
  readonly kind: ToolKind;
  readonly title: string;
  /** A shell command, or a program with its arguments; left out if the agent does not tell it. */
  readonly command?: string | readonly string[];
  /** The folder that the command runs in, if the agent tells it. */
  readonly cwd?: string;
  /** As the agent names them; empty if it does not. */
  readonly paths: readonly string[];
}

/** From harmless to dangerous. */
const DANGER: readonly ToolKind[] = [
  "think",
  "read",
  "search",
  "edit",
  "move",
  "delete",
  "fetch",
  "switch_mode",
  "execute",
  "other",
];
const PATH_FIELDS = [
  "file_path",
  "filePath",
  "filepath",
  "notebook_path",
  "absolute_path",
  "path",
  "dir_path",
  "directory",
];
const CWD_FIELDS = ["cwd", "workdir", "working_directory"];
const SHELLS = /(?:^|\/)(?:ba|z|da|k)?sh$/;

/**
 * Makes the question of a request.
 *
 * @param known What the agent said about this call before.
 * @param commandIsTitle Whether the request's title is the whole command (gemini 0.61).
 */
export function permissionQuestion(
  request: ToolCallUpdate,
  known: ToolState | undefined,
  commandIsTitle: boolean,
): PermissionQuestion {
  const input = isObject(request.rawInput) ? request.rawInput : undefined;
  const title = text(request.title) ?? known?.title ?? text(request.name) ?? "";
  const told = moreDangerous(kindOf(request), known?.kind);
  const given = commandOf(input);
  const command = given ?? (commandIsTitle && told === "execute" ? text(request.title) : undefined);
  const kind = given !== undefined ? moreDangerous("execute", told) : withDiff(told, request);
  const cwd = first(input, CWD_FIELDS);
  return {
    tool: request.toolCallId,
    kind: kind ?? "other",
    title,
    ...(command !== undefined && { command }),
    ...(cwd !== undefined && { cwd }),
    paths: questionPaths(request, input, known, kind),
  };
}

function questionPaths(
  request: ToolCallUpdate,
  input: Readonly<Record<string, unknown>> | undefined,
  known: ToolState | undefined,
  kind: ToolKind | undefined,
): string[] {
  const named = PATH_FIELDS.flatMap((field) => text(input?.[field]) ?? []);
  const paths = [...new Set([...pathsOf(request), ...named, ...known?.paths ?? []])];
  if (kind !== "search" || input === undefined) return paths;
  // A search without a path is one in the working folder. A pattern may lead out of it.
  const pattern = text(input.pattern) ?? text(input.glob) ?? "";
  const leadsOut = /^[/~]|(?:^|\/)\.\.(?:\/|$)/.test(pattern);
  return [...(paths.length === 0 ? ["."] : paths), ...(leadsOut ? [pattern] : [])];
}

function commandOf(
  input: Readonly<Record<string, unknown>> | undefined,
): string | readonly string[] | undefined {
  const command = input?.command ?? input?.cmd;
  if (typeof command === "string" && command.trim() !== "") return command;
  if (!Array.isArray(command) || !command.every((part) => typeof part === "string")) {
    return undefined;
  }
  const [program = "", flag = "", script] = command;
  const isShell = command.length === 3 && SHELLS.test(program) && /^-l?c$/.test(flag);
  return isShell ? script : command.length > 0 ? command : undefined;
}

function withDiff(kind: ToolKind | undefined, request: ToolCallUpdate): ToolKind | undefined {
  const content = Array.isArray(request.content) ? request.content : [];
  return content.some((part) => part?.type === "diff") ? moreDangerous("edit", kind) : kind;
}

function moreDangerous(a: ToolKind | undefined, b: ToolKind | undefined): ToolKind | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return DANGER.indexOf(a) > DANGER.indexOf(b) ? a : b;
}

function first(
  input: Readonly<Record<string, unknown>> | undefined,
  fields: readonly string[],
): string | undefined {
  return fields.map((field) => text(input?.[field])).find((value) => value !== undefined);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

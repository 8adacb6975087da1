/**
 * What a work item's result says, and its error: the same fields, as far as they are known.
 *
 * @module
 */
import type { Changes } from "@ourocodus/git";
import { byteLength } from "@ourocodus/bus";
import { join } from "node:path";
import type { PermissionDecision, WorkUsage } from "./turn/mod.ts";

/** The payload of a coding agent's result. */
export interface CodingResult {
  /** The agent's answer. */
  readonly text: string;
  /** The value that `payload.schema` asked for. */
  readonly output?: unknown;
  /** Why the last turn ended, in ACP's words. */
  readonly stop_reason?: string;
  readonly agent: AgentSaid;
  /** Where the changes are; absent for an agent without a repository. */
  readonly branch?: string;
  readonly base?: string;
  /** The branch's commit; the same as `base` if nothing was changed. */
  readonly commit?: string;
  readonly files?: readonly ChangedFile[];
  /** So many more files were changed. */
  readonly more_files?: number;
  /** The changes as `git apply` takes them; absent if they are too large, or not UTF-8. */
  readonly patch?: string;
  readonly patch_bytes?: number;
  /** Where the patch is, on the agent's machine, if it is not here. */
  readonly patch_file?: string;
  readonly usage?: WorkUsage;
  /** How many tool calls there were, by ACP's kind. */
  readonly tools: Readonly<Record<string, number>>;
  readonly permissions: readonly PermissionDecision[];
  readonly check?: CheckSaid;
  readonly duration_ms: number;
  readonly attempt: number;
  /** Whether this attempt went on where an earlier one was interrupted. */
  readonly resumed: boolean;
  /** Everything that the agent said, on the agent's machine. */
  readonly transcript?: string;
}

/** Which coding agent it was. */
export interface AgentSaid {
  readonly name: string;
  readonly version?: string;
  readonly model?: string;
}

/** A file that was changed. */
export type ChangedFile = Changes["files"][number];

/** What the check said the last time. */
export interface CheckSaid {
  readonly command: string;
  readonly exit_code: number;
  /** How long that run took. */
  readonly duration_ms: number;
  /** How many turns its failures cost. */
  readonly turns: number;
  /** The end of what it printed, if it failed. */
  readonly output?: string;
}

/** Options of {@linkcode fittedResult}. */
export interface FitOptions {
  /** The largest payload, in bytes of its JSON text. */
  readonly maxBytes: number;
  /** The changes, as far as there are any. */
  readonly changes?: Changes;
  /** Where a patch is written that does not fit. */
  readonly patchFile: string;
}

/** More files are only counted. */
const MAX_FILES = 1_000;
/** Of a text that does not fit, this is its last line. */
const CUT = "\n[cut: the text is larger than a result may be]";

/**
 * A result, or the details of an error, with its changes, so that it is no larger than a relay takes.
 *
 * What does not fit goes in this order: the patch, into a file that is named; files and permissions
 * beyond the first; the text's end.
 */
export async function fittedResult<T extends object>(
  said: T & { readonly text?: string; readonly permissions?: readonly unknown[] },
  { maxBytes, changes, patchFile }: FitOptions,
): Promise<T> {
  const files = changes?.files ?? [];
  const listed = changes === undefined ? {} : filesListed(files, MAX_FILES);
  const patch = changes?.patch;
  if (patch !== undefined) {
    const whole = { ...said, ...listed, patch, patch_bytes: changes?.patchBytes };
    if (sizeOf(whole) <= maxBytes) return whole;
  }
  const saved = changes === undefined || changes.patchBytes === 0 ? {} : {
    patch_bytes: changes.patchBytes,
    ...await savedPatch(changes, patchFile),
  };
  let fitting: typeof said & object = { ...said, ...listed, ...saved };
  if (sizeOf(fitting) <= maxBytes) return fitting;
  fitting = { ...fitting, ...filesListed(files, 20), permissions: said.permissions?.slice(0, 20) };
  const over = sizeOf(fitting) - maxBytes;
  if (over <= 0 || said.text === undefined) return fitting;
  return { ...fitting, text: cutText(said.text, over) };
}

function filesListed(files: readonly ChangedFile[], limit: number): object {
  const more = files.length - limit;
  return { files: files.slice(0, limit), ...(more > 0 && { more_files: more }) };
}

async function savedPatch(changes: Changes, patchFile: string): Promise<object> {
  try {
    await Deno.mkdir(join(patchFile, ".."), { recursive: true, mode: 0o700 });
    await changes.writePatch(patchFile);
    return { patch_file: patchFile };
  } catch {
    return {}; // The branch has it.
  }
}

/** A text's beginning that has fewer bytes of JSON by `over` and more. */
function cutText(text: string, over: number): string {
  let end = text.length;
  const goal = sizeOf(text) - over - sizeOf(CUT);
  while (end > 0 && sizeOf(text.slice(0, end)) > goal) end = Math.floor(end * 0.9);
  return `${text.slice(0, end).toWellFormed()}${CUT}`;
}

function sizeOf(value: unknown): number {
  return byteLength(JSON.stringify(value));
}

/**
 * What a work item's result says, and its error: the same fields, as far as they are known.
 *
 * @module
 */
import type { Changes } from "@ourocodus/git";
import { byteLength } from "@ourocodus/protocol";
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
  /** What was decided about its requests for permission: the first 200. */
  readonly permissions: readonly PermissionDecision[];
  readonly more_permissions?: number;
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
  readonly timed_out?: true;
}

/** Options of {@linkcode fitted}. */
export interface FitOptions {
  /** The largest payload, in bytes of its JSON text. */
  readonly maxBytes: number;
  /** The changes, of an agent with a repository. */
  readonly changes: (Changes & { readonly commit: string }) | undefined;
  /** Where a patch is, or is written, that does not fit. */
  readonly patchFile: string;
}

/** More files are only counted. */
const MAX_FILES = 1_000;
/** The same, where room is scarce. */
const FEW = 20;
/** Of a text that does not fit, this is its last line. */
const CUT = "\n[cut: the text is larger than a result may be]";

/**
 * A result, or the details of an error, with its changes, no larger than a relay takes.
 *
 * What does not fit goes in this order: the patch, into a file that is named; files and permissions
 * beyond the first; the text's end.
 */
export async function fitted<T extends { readonly text: string }>(
  said: T & { readonly permissions: readonly unknown[] },
  { maxBytes, changes, patchFile }: FitOptions,
): Promise<T> {
  if (changes === undefined) return shortened(said, maxBytes);
  const { commit, files, patch, patchBytes } = changes;
  const begun = { ...said, commit, ...listed(files, MAX_FILES), patch_bytes: patchBytes };
  if (patch !== undefined) {
    const whole = { ...begun, patch };
    if (sizeOf(whole) <= maxBytes) return whole;
    await Deno.writeTextFile(patchFile, patch, { mode: 0o600 });
  }
  const filed = { ...begun, patch_file: patchFile };
  if (sizeOf(filed) <= maxBytes) return filed;
  const permissions = said.permissions.slice(0, FEW);
  return shortened({ ...filed, ...listed(files, FEW), permissions }, maxBytes);
}

function listed(files: readonly ChangedFile[], limit: number) {
  const more = files.length - limit;
  return { files: files.slice(0, limit), ...(more > 0 && { more_files: more }) };
}

/** The same with as much of its text as fits. */
function shortened<T extends { readonly text: string }>(said: T, maxBytes: number): T {
  const over = sizeOf(said) - maxBytes;
  if (over <= 0) return said;
  const { text } = said;
  const goal = sizeOf(text) - over - sizeOf(CUT);
  let end = text.length;
  while (end > 0 && sizeOf(text.slice(0, end)) > goal) end = Math.floor(end * 0.9);
  return { ...said, text: `${text.slice(0, end).toWellFormed()}${CUT}` };
}

function sizeOf(value: unknown): number {
  return byteLength(JSON.stringify(value));
}

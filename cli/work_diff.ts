/**
 * `work diff`.
 *
 * @module
 */
import { patchedFiles } from "@ourocodus/git";
import type { WorkTrace } from "@ourocodus/ops";
import type { Console } from "./console.ts";
import { diffText } from "./diff_text.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { nameOf, tracedWork } from "./find_work.ts";
import { statText } from "./patch_stat.ts";
import { harmlessJson, paint, span } from "./terminal_text.ts";
import { findPatch, type WorkPatch } from "./work_patch.ts";
import type { WorkFlags } from "./work_query.ts";

/** Flags of `work diff`. */
export interface WorkDiffFlags extends WorkFlags {
  readonly repo?: string;
  readonly stat?: true;
  readonly json?: true;
  readonly nats?: string;
}

/**
 * Runs the command.
 *
 * @throws {UsageError} If the id or a flag cannot be used.
 * @throws {GitError} If `--repo` is no repository.
 */
export async function workDiff(
  id: string,
  flags: WorkDiffFlags,
  console: Console,
): Promise<ExitCode> {
  const trace = await tracedWork(id, flags, console);
  if (trace === undefined) return EXIT.failed;
  const patch = await findPatch(trace, { console, repo: flags.repo });
  if (patch.kind === "none") {
    await console.err.write(`error: no patch of ${nameOf(trace)}: ${patch.why}\n`);
    return EXIT.failed;
  }
  await print(trace, { found: patch.found, flags, console });
  return EXIT.ok;
}

async function print(
  trace: WorkTrace,
  { found, flags, console }: {
    readonly found: WorkPatch;
    readonly flags: WorkDiffFlags;
    readonly console: Console;
  },
): Promise<void> {
  const { out, err } = console;
  const files = patchedFiles(found.patch);
  if (flags.json) {
    const { work_sequence, session_id, role, state } = trace;
    const { patch, from, madeAt, ...place } = found;
    const about = { work_sequence, session_id, role, id: trace.id, state, from, ...place };
    const made = madeAt === undefined ? {} : { made_at: madeAt.toISOString() };
    await out.write(`${harmlessJson(JSON.stringify({ ...about, ...made, files, patch }))}\n`);
    return;
  }
  if (found.madeAt !== undefined) {
    const age = span(Math.max(0, Date.now() - found.madeAt.getTime()));
    await err.write(
      `${nameOf(trace)} is ${trace.state.replace("_", " ")}: this is its snapshot of ${age} ago, ` +
        `attempt ${found.attempt}\n`,
    );
  }
  if (flags.stat) {
    await out.write(`${statText(files, paint(out.hasColor))}\n`);
  } else if (out.isTerminal) {
    await out.write(diffText(found.patch, paint(out.hasColor)));
  } else {
    // For git apply: byte by byte.
    await out.write(found.patch);
  }
}

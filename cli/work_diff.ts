import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { patchedFiles } from "@ourocodus/git";
import type { WorkTrace } from "@ourocodus/ops";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import { EXIT, type ExitCode } from "./exit_codes.ts";
import { diffText, statText } from "./patch_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { jsonLine, paint, span } from "./terminal_text.ts";
import { nameOf, stateWord, tracedWork, workFlags } from "./work_item.ts";
import { findPatch, type WorkPatch } from "./work_patch.ts";

/** `work diff`: prints what an agent has changed. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (id, flags) => done(await workDiff(id, flags, console)));
}

function declare() {
  return workFlags(new Command())
    .description(
      "Prints the patch of a work item: that of its result or its error, or while it runs, of its " +
        "newest snapshot.",
    )
    .argument("<id>", "the work item's id, or its sequence in the queue")
    .option(
      "--repo <path>",
      "the repository with its commits (default: the current folder's, and those that agents of " +
        "this machine have worked in)",
    )
    .option("--stat", "print only the files, with how many lines changed")
    .option("--json", "print a line of JSON: where the patch is from, its files, and itself")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work diff task-17",
        "work diff task-17 --stat",
        "work diff task-17 | git apply",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `On a terminal the patch is coloured, and control characters in it are escaped. Into a
pipe or a file it goes unchanged. If several work items have the id, the newest is taken.`;

/**
 * Runs the command.
 *
 * @throws {UsageError} If the id or a flag cannot be used.
 * @throws {GitError} If `--repo` is no repository.
 */
async function workDiff(
  id: string,
  flags: Flags,
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
    readonly flags: Flags;
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
    await out.write(jsonLine({ ...about, ...made, files, patch }));
    return;
  }
  if (found.madeAt !== undefined) {
    const age = span(Math.max(0, Date.now() - found.madeAt.getTime()));
    await err.write(
      `${nameOf(trace)} is ${stateWord(trace.state)}: this is its snapshot of ${age} ago, ` +
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

import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `work diff`: what an agent has changed. */
export function workDiffCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("diff")
    .summary("show what a coding agent has changed")
    .description(
      "Prints the patch of a work item: that of its result or of its error, and while the work " +
        "runs that of its newest snapshot.",
    )
    .argument("<id>", "the work's id; with --sequence its sequence in the queue")
    .option("--session <session>", "only work of this session")
    .option("--role <role>", "only work of this role")
    .option("--sequence", "take the argument for a sequence")
    .option(
      "--repo <path>",
      "the repository with its commits (default: the current folder's, and those that agents of " +
        "this machine have worked in)",
    )
    .option("--stat", "only which files, and how many lines")
    .option("--json", "one line of JSON: where the patch is from, its files, and itself")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work diff task-17",
        "work diff task-17 --stat",
        "work diff task-17 | git apply",
      ], NOTES),
    );
  command.action(async (id, flags) => {
    const { workDiff } = await import("./work_diff.ts");
    done(await workDiff(id, flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `On a terminal it is coloured, and what could drive the terminal is escaped. Into a pipe
or a file it goes as it is. Of several pieces of work with one id it is the newest.`;

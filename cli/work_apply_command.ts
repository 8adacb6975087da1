import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `work apply`: an agent's changes into a checkout. */
export function workApplyCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("apply")
    .summary("bring what a coding agent has changed into a checkout")
    .description(
      "Applies the patch of a work item to a checkout's files, and stages it. Lines that have " +
        "changed since are merged.",
    )
    .argument("<id>", "the work's id; with --sequence its sequence in the queue")
    .option("--session <session>", "only work of this session")
    .option("--role <role>", "only work of this role")
    .option("--sequence", "take the argument for a sequence")
    .option("--repo <path>", "the checkout", ".")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["work apply task-17", "work apply task-17 --repo ~/code/shop"], NOTES),
    );
  command.action(async (id, flags) => {
    const { workApply } = await import("./work_apply.ts");
    done(await workApply(id, flags, console));
  });
  return command as unknown as Command;
}

const NOTES = `Files with changes that are not committed are never touched: if the patch has one of
them, nothing is applied. At a conflict it ends with 1, and says what to do.`;

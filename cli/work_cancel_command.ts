import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `work cancel`: an outcome for work that has none. */
export function workCancelCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("cancel")
    .summary("cancel work that has no outcome yet")
    .description(
      "Cancels work that has no outcome yet, and tells where it was: in the queue, from which it " +
        "is removed, or in the hands of an agent, which is told to stop.",
    )
    .argument("<id...>", "the work's id; with --sequence its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the arguments for sequences")
    .option("--reason <text>", "why; it stands in the error result, at most 500 characters")
    .option("--json", "a line of JSON for each argument")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work cancel task-17",
        "work cancel task-17 task-18 -s docs --reason 'not needed any more'",
        "work cancel --sequence 42 --json | jq .kind",
      ], NOTES),
    );
  command.action(async (ids, flags) => {
    const { workCancel } = await import("./work_cancel.ts");
    done(await workCancel(ids, flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `Whoever waits for the result gets an error with the code "cancelled". An agent that speaks the
plain protocol cannot be told: it works on, and its result is refused. It ends with 1 if anything
was not cancelled: it is finished already, several pieces of work have the id, or nothing is known
of it.`;

import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `result`: what came of a work item. */
export function resultCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("result")
    .summary("print the result of a work item")
    .description(
      "Prints the result of a work item: its text on standard output, and when it came, what it " +
        "changed and what it cost on standard error.",
    )
    .argument("<id>", "the work's id, or its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the argument for a sequence, though an id looks the same")
    .option("--json", "a line of JSON, as tail results --json prints it")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "result task-17",
        "result 17 > answer.md",
        "result task-17 --json | jq .message.payload.usage",
      ], NOTES),
    );
  command.action(async (id, flags) => {
    const { result } = await import("./result.ts");
    done(await result(id, flags, console));
  });
  return command as unknown as Command;
}

const NOTES = `The text of a result is its "output", else its "text", else its "message", else all
of it as JSON. Colours pass on a terminal, no other control sequence does. It ends
with 1 if the result is an error, or nothing is known of the work, and with 3 if
there is no result yet: then it says where the work is. Of several work items with
one id it is the newest.`;

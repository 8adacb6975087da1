import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { ROLE, roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `dead`: work that was given up on. */
export function deadCommand(console: Console, done: (code: ExitCode) => void): Command {
  return new Command("dead")
    .description("Lists work that was given up on, and sends it again.")
    .addCommand(listCommand(console, done))
    .addCommand(requeueCommand(console, done)) as unknown as Command;
}

function listCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("list")
    .description("Lists the dead letters of a session, the newest first.")
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's"))
    .option("--all", "also those that were sent again")
    .option("-n, --limit <count>", "at most so many; 100")
    .option("--json", "a line of JSON each")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["dead list -s docs", "dead list -s docs --json | jq -r .error"]),
    );
  command.action(async (flags) => {
    const { deadList } = await import("./dead_list.ts");
    done(await deadList(flags, console));
  });
  return command as unknown as Command;
}

function requeueCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("requeue")
    .description("Sends the work of dead letters again, as it was.")
    .argument("[sequence...]", "their sequences, as dead list shows them")
    .addOption(sessionFlag("the session"))
    .option(ROLE, "with --all: only this role's")
    .option("--all", "all that were not sent again yet")
    .option("--again", "also those that were sent again before")
    .option("--json", "a line of JSON each")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd(["dead requeue -s docs 4711", "dead requeue -s docs --all"]),
    );
  command.action(async (sequences, flags) => {
    const { deadRequeue } = await import("./dead_requeue.ts");
    done(await deadRequeue(sequences, flags, console));
  });
  return command as unknown as Command;
}

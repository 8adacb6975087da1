import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `work wait`: the outcome of work that was sent before. */
export function workWaitCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("wait")
    .summary("wait for the results of work that was sent before")
    .description(
      "Waits until work that was sent before has its outcome, whoever sent it, and prints it: at " +
        "once where it is there already.",
    )
    .argument("<id...>", "the work's id; with --sequence its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the arguments for sequences")
    .option("--timeout <duration>", "how long to wait altogether (default: without end)")
    .option("--json", "a line of JSON for each outcome, as tail results --json prints it")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "work wait task-17",
        "work wait task-17 task-18 -s docs --timeout 1h",
        "work wait task-17 --json | jq .message.payload",
      ], NOTES),
    );
  command.action(async (ids, flags) => {
    const { workWait } = await import("./work_wait.ts");
    done(await workWait(ids, flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `Outcomes are printed in the order in which they come, as "result" prints them: the text on standard
output, everything else on standard error. Of several pieces of work with one id it is the
newest that is waited for. It ends with 0 if all have a result; with 1 if one has failed or was
cancelled, or nothing is known of it; with 3 if the time is over before.`;

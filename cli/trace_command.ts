import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `trace`: where is a piece of work? */
export function traceCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("trace")
    .summary("tell where a piece of work is")
    .description(
      "Tells where a piece of work is: stored, handed to which agent, its progress, its result.",
    )
    .argument("<id>", "the work's id; with --sequence its sequence in the queue")
    .addOption(sessionFlag("only work of this session"))
    .addOption(roleFlag("only work of this role"))
    .option("--sequence", "take the argument for a sequence")
    .option("--full", "all of its progress, and payloads in full")
    .option("--json", "a line of JSON for each piece of work with this id, the newest first")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "trace task-17",
        "trace task-17 -s docs --json | jq .state",
        "trace --sequence 42 --full",
      ], NOTES),
    );
  command.action(async (id, flags) => {
    const { trace } = await import("./trace.ts");
    done(await trace(id, flags, console));
  });
  return command as unknown as Command;
}

const NOTES = `States: waiting, in_hand, done, failed, dead (given up on), cancelled, gone (not in
the queue, and no outcome is kept). Nothing is told but what log, queue and relays say. It ends with
1 if nothing is known of the id.`;

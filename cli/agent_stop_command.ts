import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { ROLE, SESSION } from "./place_flags.ts";
import { helpEnd } from "./shared_flags.ts";

/** `agent stop`: stops agents that were started here. */
export function agentStopCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("stop")
    .summary("stop agents that were started here")
    .description(
      "Stops agents that were started here. Each finishes what it has in hand, and gets no more. " +
        "ourocodus start does not start it again.",
    )
    .argument("[agents...]", "names or ids")
    .option(SESSION, "all of this session")
    .option(ROLE, "with --session: only those of this role")
    .option("--all", "all that were started here")
    .option("--now", "don't let them finish: what they have in hand is handed out again")
    .option("--timeout <duration>", "how long each may take before it is killed")
    .addHelpText(
      "after",
      helpEnd(
        ["agent stop writer-1", "agent stop --session docs", "agent stop --all --now"],
        NOTES,
      ),
    );
  command.action(async (names, flags) => {
    const { agentStop } = await import("./agent_stop.ts");
    done(await agentStop({ ...flags, names }, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `An agent that is not done in time (agent start --drain, or --timeout) is ended all the
same; what it has not finished is named, and handed out again.

$OUROCODUS_SESSION and $OUROCODUS_ROLE say nothing here: only what the command line
names is stopped.`;

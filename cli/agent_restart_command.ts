import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { ROLE, SESSION } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `agent restart`: stops agents and starts them again. */
export function agentRestartCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("restart")
    .summary("stop agents and start them again")
    .description(
      "Stops agents that were started here, as agent stop does, and starts them again as they were, " +
        "with the environment of this command. Those that have exited are started too.",
    )
    .argument("[agents...]", "names or ids")
    .option(SESSION, "all of this session")
    .option(ROLE, "with --session: only those of this role")
    .option("--all", "all that were started here")
    .option("--now", "don't let them finish: what they have in hand is handed out again")
    .option("--timeout <duration>", "how long each may take before it is killed")
    .option(...NATS_FLAG)
    .addHelpText("after", helpEnd(["agent restart writer-1", "agent restart --all --now"], NOTES));
  command.action(async (names, flags) => {
    const { agentRestart } = await import("./agent_restart.ts");
    done(await agentRestart({ ...flags, names }, console));
  });
  return command as unknown as Command;
}

const NOTES = `$OUROCODUS_SESSION and $OUROCODUS_ROLE say nothing here: only what the command line
names is restarted.`;

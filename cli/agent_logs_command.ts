import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `agent logs`: prints the logs of agents. */
export function agentLogsCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("logs")
    .summary("print the logs of agents")
    .description(
      "Prints the last lines of the logs of all agents that were started here, or of one.",
    )
    .argument("[agent]", "a name or an id; default: all")
    .option("-f, --follow", "go on with what is added, until Ctrl-C")
    .option("-n, --last <count>", "begin with as many of the last lines", "50")
    .addHelpText("after", helpEnd(["agent logs", "agent logs writer-1 --follow"]));
  command.action(async (name, flags) => {
    const { logs } = await import("./logs.ts");
    done(await logs({ ...flags, name }, console, { agentsOnly: true }));
  });
  return command as unknown as Command;
}

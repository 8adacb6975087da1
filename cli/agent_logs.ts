import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Done } from "./command.ts";
import type { Console } from "./console.ts";
import { logs } from "./logs.ts";
import { helpEnd } from "./shared_flags.ts";

/** `agent logs`: prints the logs of agents. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return new Command()
    .description(
      "Prints the last lines of the logs of all agents that were started here, or of one.",
    )
    .argument("[agent]", "a name or an id; default: all")
    .option("-f, --follow", "go on with what is added, until Ctrl-C")
    .option("-n, --last <count>", "begin with this many of the last lines", "50")
    .addHelpText("after", helpEnd(["agent logs", "agent logs writer-1 --follow"]))
    .action(async (name, flags) =>
      done(await logs({ ...flags, name }, console, { agentsOnly: true }))
    );
}

import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { helpEnd } from "./shared_flags.ts";

/** `logs`: prints the logs of the system. */
export function logsCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("logs")
    .summary("print the logs of the system and its agents")
    .description(
      "Prints the last lines of the logs: of all parts and agents together, or of one: nats-server, " +
        "relay, api, supervisor, or an agent's name.",
    )
    .argument("[name]", "whose log; default: all")
    .option("-f, --follow", "go on with what is added, until Ctrl-C")
    .option("-n, --last <count>", "begin with as many of the last lines", "50")
    .addHelpText("after", helpEnd(["logs", "logs relay -n 200", "logs --follow"], NOTES));
  command.action(async (name, flags) => {
    const { logs } = await import("./logs.ts");
    done(await logs({ ...flags, name }, console));
  });
  return command as unknown as Command;
}

const NOTES = `The files are in logs/ of the home (see start --help). One that grows beyond 10 MB is
put aside as ….log.1, in place of the one before.`;

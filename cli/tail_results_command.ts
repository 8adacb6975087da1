import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `tail results`: prints results, the last ones and those that come. */
export function tailResultsCommand(
  console: Console,
  done: (code: ExitCode) => void,
): Command {
  const command = new Command("results")
    .summary("print the results of a session, and follow")
    .description(
      "Prints the last results of a session, then follows: further results as they come.",
    )
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's results"))
    .option("-n, --last <count>", "begin with as many of the last; 10, or with --since all")
    .option("--since <duration>", "begin with those of the last 30s, 10m, 1h, 7d, …")
    .option("--no-follow", "end with what is there")
    .option("--json", "a line of JSON each")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "tail results -s docs",
        "tail results -s docs -r writer -n 100 --no-follow",
        "tail results -s docs --since 10m --json | jq .message.payload",
      ], NOTES),
    );
  command.action(async (flags) => {
    const { tailResults } = await import("./tail_results.ts");
    done(await tailResults(flags, console));
  });
  return command as unknown as Command;
}

const NOTES =
  `A line has the time, ✓ or ✗, the role, the sequence and the beginning of the id of the work, how
long it took, and the first line of the text; "result ID" prints all of it.

With --json a line is
  {"sequence", "time", "subject", "session", "role", "work", "message"}

"sequence" is the result's place in the log, "work" that of its piece of work in the queue (as
"send work" printed it), and "message" what the agent sent, unchanged ("text" if it is no JSON).`;

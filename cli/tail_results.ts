import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { outcomeSubjects } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { nameFlag } from "./flag_values.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { recordJson, resultLine } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** `tail results`: prints results, the last ones and those that come. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await tailResults(flags, console)));
}

function declare() {
  return new Command()
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
}

type Flags = FlagsOf<typeof declare>;

const NOTES =
  `A line has the time, ✓ or ✗, the role, the sequence and the beginning of the id of the work, how
long it took, and the first line of the text; "result ID" prints all of it.

With --json a line is
  {"sequence", "time", "subject", "session", "role", "work", "message"}

"sequence" is the result's place in the log, "work" that of its piece of work in the queue (as
"send work" printed it), and "message" what the agent sent, unchanged ("text" if it is no JSON).`;

/** Prints the last results of a session, and follows. */
async function tailResults(flags: Flags, console: Console): Promise<ExitCode> {
  const session = nameFlag("--session", flags.session);
  const role = flags.role === undefined ? "*" : nameFlag("--role", flags.role);
  const colors = paint(console.out.hasColor);
  return await tailLog(flags, {
    subject: outcomeSubjects(session, role),
    format: flags.json ? recordJson : (record) => resultLine(record, colors),
  }, console);
}

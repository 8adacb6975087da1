import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { outcomeSubjects } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { sessionPlace } from "./flag_values.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { recordJson, resultLine } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { LAST_FLAG, NO_FOLLOW_FLAG, SINCE_FLAG, tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** `tail results`: prints the last results, and follows. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await tailResults(flags, console)));
}

function declare() {
  return new Command()
    .description("Prints the last results of a session, then follows.")
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("only this role's results"))
    .option(...LAST_FLAG)
    .option(...SINCE_FLAG)
    .option(...NO_FOLLOW_FLAG)
    .option("--json", "print a line of JSON per result")
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

const NOTES = `A line has the time, ✓ or ✗, the role, the work item's sequence and id, how long it
took, and the first line of the text. "ourocodus result ID" prints all of the text.

With --json a line is
  {"sequence", "time", "subject", "session", "role", "work", "message"}

"sequence" is the result's place in the log, "work" the work item's sequence in the queue, and
"message" the result, unchanged; it is "text" if it is no JSON.`;

/** Prints the last results of a session, and follows. */
async function tailResults(flags: Flags, console: Console): Promise<ExitCode> {
  const { session, role = "*" } = sessionPlace(flags);
  const colors = paint(console.out.hasColor);
  return await tailLog(flags, {
    subject: outcomeSubjects(session, role),
    format: flags.json ? recordJson : (record) => resultLine(record, colors),
  }, console);
}

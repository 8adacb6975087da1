import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { LogRecord } from "@ourocodus/bus";
import { eventsSubject, parseMessage } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { nameFlag } from "./flag_values.ts";
import { sessionFlag } from "./place_flags.ts";
import { eventLines, recordJson } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** `tail events`: prints what happened, the last events and those that come. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await tailEvents(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Prints the last events of a session, then follows: agents that come and go, work that is " +
        "handed out, given back or given up on, and agents' progress.",
    )
    .addOption(sessionFlag("only this session's events; default: all sessions'"))
    .option("--type <type...>", "only events of these types; work.* are all that begin with work.")
    .option("-n, --last <count>", "begin with as many of the last; 10, or with --since all")
    .option("--since <duration>", "begin with those of the last 30s, 10m, 1h, 7d, …")
    .option("--no-follow", "end with what is there")
    .option("--json", "a line of JSON each")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "tail events",
        "tail events -s docs --type 'agent.*'",
        "tail events -s docs --since 1h --no-follow --json",
      ], NOTES),
    );
}

type Flags = FlagsOf<typeof declare>;

const NOTES = `Types: agent.connected, agent.disconnected, work.offered, work.returned,
work.redelivered, work.cancelled, work.dead, result.duplicate, result.unmatched, progress.

With --json a line is {"sequence", "time", "subject", "session", "message"}; "message" is the event:
{"id", "type", "payload"}, where the payload of the work.* types has a list "work".`;

/** Prints the last events of one session or of all, and follows. */
async function tailEvents(flags: Flags, console: Console): Promise<ExitCode> {
  const session = flags.session === undefined ? "*" : nameFlag("--session", flags.session);
  const colors = paint(console.out.hasColor);
  const withSession = session === "*";
  return await tailLog(flags, {
    subject: eventsSubject(session),
    ...(flags.type && { matches: ofTypes(flags.type) }),
    format: flags.json ? recordJson : (record) => eventLines(record, colors, { withSession }),
  }, console);
}

/** Whether a record is an event of one of these types; `work.*` stands for all of `work.`. */
function ofTypes(types: readonly string[]): (record: LogRecord) => boolean {
  return (record) => {
    const parsed = parseMessage(record.text);
    return parsed.kind === "ok" &&
      types.some((type) =>
        type.endsWith("*")
          ? parsed.message.type.startsWith(type.slice(0, -1))
          : parsed.message.type === type
      );
  };
}

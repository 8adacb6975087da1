import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { LogRecord } from "@ourocodus/bus";
import { EVENT_TYPES, eventsSubject, parseMessage } from "@ourocodus/protocol";
import type { Done, FlagsOf } from "./command.ts";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { nameFlag } from "./flag_values.ts";
import { sessionFlag } from "./place_flags.ts";
import { eventLines, recordJson } from "./record_text.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { LAST_FLAG, NO_FOLLOW_FLAG, SINCE_FLAG, tailLog } from "./tail_log.ts";
import { paint } from "./terminal_text.ts";

/** `tail events`: prints the last events, and follows. */
export function command(console: Console, done: Done): CommandUnknownOpts {
  return declare().action(async (flags) => done(await tailEvents(flags, console)));
}

function declare() {
  return new Command()
    .description(
      "Prints the last events of a session, then follows: agents that connect and disconnect, work " +
        "that is offered, released or dead, and progress.",
    )
    .addOption(sessionFlag("only this session's events; default: all sessions'"))
    .option("--type <type...>", "only events of these types; work.* matches all work types")
    .option(...LAST_FLAG)
    .option(...SINCE_FLAG)
    .option(...NO_FOLLOW_FLAG)
    .option("--json", "print a line of JSON per event")
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

/** One line for each kind: `work.offered, work.dead, …`. */
const TYPES = [...Map.groupBy(EVENT_TYPES, (type) => type.split(".", 1)[0]).values()]
  .flatMap((types) => lines(types)).join("\n");

/** As many in a line as fit into 80 columns. */
function lines(types: readonly string[]): string[] {
  const all: string[] = [];
  for (const type of types) {
    const longer = `${all.at(-1)}, ${type}`;
    if (all.length === 0 || longer.length > 79) all.push(`  ${type}`);
    else all[all.length - 1] = longer;
  }
  return all;
}

const NOTES = `Types (work.returned is work that was released):
${TYPES}

With --json a line is {"sequence", "time", "subject", "session", "message"}. "message" is the event:
{"id", "type", "payload"}; the payload of a work event has a list "work".`;

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

import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `tail events`: prints what happened, the last events and those that come. */
export function tailEventsCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("events")
    .summary("print what happens in a session, or in all, and follow")
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
  command.action(async (flags) => {
    const { tailEvents } = await import("./tail_events.ts");
    done(await tailEvents(flags, console));
  });
  return command as unknown as Command;
}

const NOTES = `Types: agent.connected, agent.disconnected, work.offered, work.returned,
work.redelivered, work.cancelled, work.dead, result.duplicate, result.unmatched, progress.

With --json a line is {"sequence", "time", "subject", "session", "message"}; "message" is the event:
{"id", "type", "payload"}, where the payload of the work.* types has a list "work".`;

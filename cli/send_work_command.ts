import { Command } from "@commander-js/extra-typings";
import type { Console } from "./console.ts";
import type { ExitCode } from "./exit_codes.ts";
import { heedless } from "./heedless_console.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";

/** `send work`: stores one piece of work in the queue, or one for each line of a file. */
export function sendWorkCommand(console: Console, done: (code: ExitCode) => void): Command {
  const command = new Command("work")
    .summary("send work to a session's agents")
    .description("Sends one piece of work, or one for each line of a file or of standard input.")
    .argument("[-]", "read lines from standard input, like --file -")
    .addOption(sessionFlag("the session"))
    .addOption(roleFlag("the role; default: the only role of the session's connected agents"))
    .option("-m, --message <text>", 'the payload is {"message": <text>}')
    .option("--message-file <path>", "the same with the text of this file; - is standard input")
    .option("--payload <json>", "the payload: a JSON object")
    .option("--file <path>", "a piece of work for each line of this file; - is standard input")
    .option("--id <id>", "the message's id; default: a new one")
    .option("-w, --wait", "wait for the result, and print it")
    .option("--timeout <duration>", "how long --wait waits for a (further) result", "30s")
    .option("--json", "print JSON")
    .option(...NATS_FLAG)
    .addHelpText(
      "after",
      helpEnd([
        "send work -s docs -r writer -m hello --wait",
        `send work -s docs -r writer --payload '{"topic": "tides"}' --id tides-1`,
        "send work -s docs -r writer --message-file prompt.md",
        "send work -s docs -r writer --file topics.jsonl",
        "send work -s docs -r writer - --wait --json < topics.jsonl",
      ], NOTES),
    );
  command.action(async (input, flags) => {
    // At once: nobody may read any more while the rest is loaded.
    const going = heedless(console);
    const { sendWorkCommandLine } = await import("./send_work.ts");
    done(await sendWorkCommandLine({ ...flags, input }, going));
  });
  return command as unknown as Command;
}

const NOTES = `It says ✓ once the server has stored it. Sending an --id again, for the same session
and role within two minutes, stores nothing and says so; with --wait it finds the earlier result.

With --wait the text of the result is on standard output, alone, and everything else on standard
error: the result's "output", else its "text", else its "message", else all of it as JSON. With
lines it is a line for each result, as "tail results" prints it.

A line is JSON: a string is a message, like --message; an object is a payload, like --payload,
unless it has all of "id", "type" and "payload": then it is a whole message, sent as it is. Payloads
get "session_id" and "role" unless they have them. Blank lines are passed over. A line that cannot
be sent is named on standard error, the others are sent, and the exit code is 1.

With --json it prints {"id", "session", "role", "subject", "sequence", "duplicate", "relays",
"agents"}; with --wait there is "result" too, as "tail results --json" prints it, or null. With
lines, it prints one object for each result, if --wait is given, and one with the counts.`;

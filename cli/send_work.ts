import { Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import type { Connection } from "@ourocodus/bus";
import { askRelays } from "@ourocodus/ops";
import { SystemError } from "@ourocodus/system";
import type { Done, FlagsOf } from "./command.ts";
import type { ExitCode } from "./exit_codes.ts";
import { idFlag, nameFlag, objectFlag, timeoutFlag } from "./flag_values.ts";
import type { HeedlessConsole } from "./heedless_console.ts";
import { readMessageFile } from "./input_file.ts";
import { connectNats } from "./nats.ts";
import { roleFlag, sessionFlag } from "./place_flags.ts";
import { sendLines } from "./send_lines.ts";
import { sendOne } from "./send_one.ts";
import { helpEnd, NATS_FLAG } from "./shared_flags.ts";
import { UsageError } from "./usage_error.ts";

/** `send work`: stores one piece of work in the queue, or one for each line of a file. */
export function command(console: HeedlessConsole, done: Done): CommandUnknownOpts {
  return declare().action(async (input, flags) =>
    done(await sendWork({ ...flags, input }, console))
  );
}

function declare() {
  return new Command()
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
}

type Flags = FlagsOf<typeof declare> & { readonly input?: string };

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

type Content =
  | { readonly kind: "payload"; readonly payload: Record<string, unknown>; readonly id?: string }
  | { readonly kind: "message_file"; readonly file: string; readonly id?: string }
  | { readonly kind: "lines"; readonly file: string };

/**
 * Runs the command.
 *
 * @throws {UsageError} If the flags don't go together, or one has a value that cannot be used.
 * @throws {SystemError} If the role is to be found out, and no relay answers.
 */
async function sendWork(
  flags: Flags,
  console: HeedlessConsole,
): Promise<ExitCode> {
  const session = nameFlag("--session", flags.session);
  const givenRole = flags.role === undefined ? undefined : nameFlag("--role", flags.role);
  const timeoutMs = timeoutFlag("--timeout", flags.timeout);
  const content = contentOf(flags);
  await using connection = await connectNats(console, { url: flags.nats });
  const role = givenRole ?? await onlyRole(connection, session, console.signal);
  const sending = {
    session,
    role,
    waitMs: flags.wait ? timeoutMs : undefined,
    json: flags.json === true,
  };
  switch (content.kind) {
    case "lines":
      return await sendLines(connection, content.file, sending, console);
    case "message_file": {
      const maxBytes = connection.maxPayloadBytes;
      const message = await readMessageFile(content.file, { maxBytes, console });
      return await sendOne(connection, { payload: { message }, id: content.id }, sending, console);
    }
    case "payload":
      return await sendOne(connection, content, sending, console);
  }
}

/** What is to be sent: exactly one of the five ways to say it. */
function contentOf(flags: Flags): Content {
  if (flags.input !== undefined && flags.input !== "-") {
    throw new UsageError(`unexpected argument ${JSON.stringify(flags.input)}, allowed is only -`);
  }
  const ways = {
    "--message": flags.message,
    "--message-file": flags.messageFile,
    "--payload": flags.payload,
    "--file": flags.file,
    "-": flags.input,
  };
  const given = Object.entries(ways).filter(([, value]) => value !== undefined).map(([way]) => way);
  if (given.length !== 1) {
    const problem = given.length === 0 ? "nothing to send" : `${given.join(" and ")} together`;
    throw new UsageError(
      `${problem}: give one of --message, --message-file, --payload, --file and -`,
    );
  }
  const file = flags.file ?? flags.input;
  if (file !== undefined) {
    if (flags.id === undefined) return { kind: "lines", file };
    throw new UsageError(
      `--id is for one piece of work; in lines, an id stands in the message: ` +
        `{"id": …, "type": "work", "payload": {…}}`,
    );
  }
  const id = flags.id === undefined ? undefined : idFlag("--id", flags.id);
  if (flags.messageFile !== undefined) return { kind: "message_file", file: flags.messageFile, id };
  const payload = flags.payload === undefined
    ? { message: flags.message }
    : objectFlag("--payload", flags.payload);
  return { kind: "payload", payload, id };
}

async function onlyRole(
  connection: Connection,
  session: string,
  signal: AbortSignal,
): Promise<string> {
  const { relays, agents } = await askRelays(connection, { session }, { signal });
  const roles = [...new Set(agents.map((agent) => agent.role))].sort();
  const [role] = roles;
  if (role !== undefined && roles.length === 1) return role;
  if (relays.length === 0) {
    throw new SystemError(
      `no relay answers, so the role of session ${session}'s agents cannot be found out: ` +
        "give --role, or start a relay",
    );
  }
  throw new UsageError(
    role === undefined
      ? `no agent is connected to session ${session}, so give --role`
      : `session ${session} has agents of several roles, so give --role: ${roles.join(", ")}`,
  );
}
